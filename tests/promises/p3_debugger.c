// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: a debugger gets nothing, now or later; looking is forgiven at the detach, changing is not.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/machine.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"

static long ordinary;	/* what a debugger may write to */

static void caught(int signal)
{
	(void)signal;
	shared->wrong = 1;
	_exit(0);
}

static void *spin(void *page)
{
	char secret[SECRET_LEN];

	victim_make_secret(secret);
	for (;;) {
		if (memcmp(page, secret, SECRET_LEN))
			shared->wrong = 2;
		shared->rounds++;
		usleep(100);
	}
	return NULL;
}

/* Touches its region all the time, in a thread of its own while the first one sleeps. */
static pid_t start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *page = victim_region(1, NULL);
		pthread_t thread;

		signal(SIGBUS, caught);
		victim_make_secret(page);
		pthread_create(&thread, NULL, spin, page);
		shared->ready = 1;
		for (;;)
			pause();
	}
	victim_wait(&shared->ready);
	return pid;
}

static void stop(pid_t pid)
{
	int status;

	ptrace(PTRACE_SEIZE, pid, 0, 0);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, &status, __WALL);
}

static void looking(void)
{
	struct user_regs_struct regs;
	pid_t pid = start();

	ok(victim_goes_on(&shared->rounds), "control: an untraced victim goes on");
	ptrace(PTRACE_SEIZE, pid, 0, 0);
	ok(victim_stands_still(&shared->rounds), "one thread is seized, and not even stopped: the other one parks");
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, NULL, __WALL);
	machine_get_registers(pid, &regs);
	ptrace(PTRACE_PEEKDATA, pid, &ordinary, 0);
	ptrace(PTRACE_CONT, pid, 0, 0);
	ok(victim_stands_still(&shared->rounds), "let go on under the tracer, it still parks");
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, NULL, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	ok(victim_goes_on(&shared->rounds) && !shared->wrong, "detached, it goes on as if nothing had happened");
	victim_end(pid);
}

/* What is done to it, and whether it must be locked after. */
static void changing(const char *what, void (*change)(pid_t pid), bool locks)
{
	pid_t pid = start();

	change(pid);
	usleep(200000);
	if (locks)
		ok(victim_wait((volatile int *)&shared->wrong) && shared->wrong == 1, "%s: its next touch is a SIGBUS", what);
	else
		ok(victim_goes_on(&shared->rounds) && !shared->wrong, "%s: it goes on", what);
	victim_end(pid);
}

static void poke(pid_t pid)
{
	stop(pid);
	ptrace(PTRACE_POKEDATA, pid, &ordinary, 1L);
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

static void set_registers(pid_t pid)
{
	struct user_regs_struct regs;

	stop(pid);
	machine_get_registers(pid, &regs);
	machine_set_registers(pid, &regs);
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

static void write_mem(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	if (pwrite(fd, &ordinary, sizeof(ordinary), (off_t)&ordinary) < 0)
		tap_note("/proc/PID/mem: not written");
	close(fd);
}

static void watchpoint(pid_t pid)
{
	stop(pid);
	if (!machine_watch(pid, 0))
		tap_note("no debug registers");
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

/* A debugger must be able to stop a thread that polls with its array in a region which is not mapped any more. */
static void blocked(void)
{
	int pipefd[2], status, i;
	pid_t pid;

	if (pipe(pipefd))
		return;
	pid = fork();
	if (pid == 0) {
		int fd;
		struct pollfd *array = (struct pollfd *)victim_region(1, &fd);

		array->fd = pipefd[0];
		array->events = POLLIN;
		shared->ready = 1;
		shared->tid = poll(array, 1, -1);
		shared->loot[0] = (char)array->revents;
		shared->command = 1;
		for (;;)
			pause();
	}
	victim_wait(&shared->ready);
	usleep(2500000);	/* longer than idle_ms */
	ptrace(PTRACE_ATTACH, pid, 0, 0);
	for (i = 0; i < 5000 && waitpid(pid, &status, WNOHANG) != pid; i++)
		usleep(1000);
	ok(i < 5000 && WIFSTOPPED(status), "a thread that sleeps in poll() with its array in a region can be stopped");
	ptrace(PTRACE_CONT, pid, 0, 0);
	usleep(100000);
	if (write(pipefd[1], "x", 1) != 1)
		tap_note("pipe: not written");
	usleep(300000);
	ok(!shared->command, "let go on, its poll() does not finish under the tracer");
	kill(pid, SIGSTOP);
	for (i = 0; i < 5000 && waitpid(pid, &status, WNOHANG) != pid; i++)
		usleep(1000);
	ok(i < 5000, "and it can be stopped again");
	ptrace(PTRACE_DETACH, pid, 0, 0);
	kill(pid, SIGCONT);
	ok(victim_wait(&shared->command) && shared->tid == 1 && shared->loot[0] == POLLIN, "detached, its poll() finishes, with the right result");
	close(pipefd[0]);
	close(pipefd[1]);
	victim_end(pid);
}

int main(void)
{
	victim_setup();
	looking();
	changing("memory written by ptrace", poke, true);
	changing("memory written through /proc/PID/mem, without attaching", write_mem, true);
	changing("registers set", set_registers, true);
	changing("a hardware watchpoint set", watchpoint, false);
	blocked();
	return tap_done();
}
