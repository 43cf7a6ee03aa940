// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: two debuggers change two threads of a process at the same moment. The first is held up in the middle of that (a page of its own does not come);
 * the second lets its thread go on, in the middle of a system call whose arguments it has set, past what is done on the way to user mode. A third
 * thread, which nobody traces, sleeps in a system call that has brought pages in. All has to be sealed before the second can go on, whatever the
 * first waits for.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "machine.h"
#include "victim.h"

#define PAGES	32UL

enum { PREPARE, WRITE_TRACED, WRITE_MUCH, CHANGE };	/* shared->command */

static int much[2], out[2];
static char *memory;

static void wait_for(int command)
{
	while (shared->command < command)
		usleep(1000);
}

/* Each write of the caller's, and of nobody else's, stops it. */
static bool have_writes_traced(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(*filter), .filter = filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void *write_traced(void *unused)
{
	static const char nothing[SECRET_LEN];

	if (!have_writes_traced())
		_exit(3);
	shared->tid = (int)syscall(SYS_gettid);
	wait_for(WRITE_TRACED);
	if (write(out[1], nothing, sizeof(nothing)) < 0)
		shared->wrong = 1;
	for (;;)
		pause();
	return unused;
}

/* More than the pipe has room for. */
static void *write_much(void *unused)
{
	wait_for(WRITE_MUCH);
	if (write(much[1], memory, PAGES * 4096) < 0)
		shared->wrong = 1;
	return unused;
}

static pid_t start(bool protect)
{
	pthread_t thread;
	pid_t pid = fork();

	if (pid == 0) {
		memory = protect ? victim_region(PAGES, NULL) : malloc(PAGES * 4096);
		for (unsigned long i = 0; i < PAGES; i++)
			memory[i * 4096] = 1;
		victim_make_secret(memory);
		shared->rounds = (long)memory;
		if (pthread_create(&thread, NULL, write_traced, NULL) || pthread_create(&thread, NULL, write_much, NULL))
			_exit(3);
		for (;;)
			pause();
	}
	if (!victim_wait(&shared->tid))
		exit(2);
	return pid;
}

static void *tell_when_awaited(void *fd)
{
	if (victim_page_is_awaited(*(int *)fd))
		shared->ready = 2;
	return NULL;
}

/* Sets registers that never come. */
static pid_t start_first(pid_t victim)
{
	pid_t pid = fork();
	pthread_t thread;
	int fd;
	void *registers;

	if (pid)
		return pid;
	registers = victim_absent_page(&fd);
	if (ptrace(PTRACE_SEIZE, victim, 0, 0) || ptrace(PTRACE_INTERRUPT, victim, 0, 0) || waitpid(victim, NULL, __WALL) != victim)
		_exit(3);
	shared->ready = 1;
	wait_for(CHANGE);
	if (pthread_create(&thread, NULL, tell_when_awaited, &fd))
		_exit(3);
	machine_set_registers(victim, registers);
	_exit(0);
}

/* The second: its thread is to write what is in the victim's memory. */
static bool lead_astray(void)
{
	struct user_regs_struct registers;

	if (!machine_get_registers(shared->tid, &registers))
		return false;
#ifdef __x86_64__
	registers.rsi = (unsigned long)shared->rounds;
#else
	registers.regs[1] = (unsigned long)shared->rounds;
#endif
	return machine_set_registers(shared->tid, &registers) && !ptrace(PTRACE_CONT, shared->tid, 0, 0);
}

static bool secret_comes(void)
{
	char secret[SECRET_LEN], got[SECRET_LEN] = "";
	ssize_t n = -1;

	victim_make_secret(secret);
	for (int i = 0; i < 2000 && n <= 0 && !shared->wrong; i++) {
		usleep(1000);
		n = read(out[0], got, sizeof(got));
	}
	return n == SECRET_LEN && memcmp(got, secret, SECRET_LEN) == 0;
}

static bool looted(bool protect, bool *prepared)
{
	pid_t victim, first;
	int status, filled = 0;
	bool comes;

	if (pipe(much) || pipe2(out, O_NONBLOCK))
		exit(2);
	victim = start(protect);
	first = start_first(victim);
	*prepared = victim_wait(&shared->ready) && !ptrace(PTRACE_SEIZE, shared->tid, 0, PTRACE_O_TRACESECCOMP);
	shared->command = WRITE_TRACED;
	*prepared = *prepared && waitpid(shared->tid, &status, __WALL) == shared->tid && status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
	shared->command = WRITE_MUCH;
	for (int i = 0; i < 10000 && filled < 65536; i++) {
		usleep(1000);
		ioctl(much[0], FIONREAD, &filled);
	}
	shared->command = CHANGE;
	for (int i = 0; i < 10000 && shared->ready != 2; i++)
		usleep(1000);
	*prepared = *prepared && filled >= 65536 && shared->ready == 2 && lead_astray();
	comes = secret_comes();
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	kill(victim, SIGKILL);
	waitpid(shared->tid, NULL, __WALL);
	victim_end(victim);
	close(much[0]);
	close(much[1]);
	close(out[0]);
	close(out[1]);
	return comes;
}

int main(void)
{
	bool prepared;

	victim_setup();
	ok(looted(false, &prepared) && prepared, "control: led astray in the middle of a system call, a thread gives away what is in ordinary memory");
	ok(!looted(true, &prepared), "a region is sealed before, though another debugger is in the middle of a change");
	ok(prepared, "control: it was, and all was as it had to be");
	return tap_done();
}
