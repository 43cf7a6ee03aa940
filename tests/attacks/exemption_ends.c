// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: a region made under a debugger may be used under it, until the first detach. What is written to it after that is not for the
 * same debugger when it comes back, although the page was mapped all the time.
 */
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "machine.h"
#include "victim.h"

static volatile char *make_region(void)
{
	volatile char *page;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	page = victim_region(1, NULL);
	page[0] = 'x';
	shared->wrong = page[0] != 'x';
	shared->ready = 1;
	raise(SIGSTOP);
	victim_make_secret((char *)page);
	shared->ready = 2;
	return page;
}

static void victim(void)
{
	volatile char *page = make_region();

	for (;;) {
		(void)page[0];
		shared->rounds++;
		if (shared->command)
			memcpy((void *)shared->loot, (char *)page, SECRET_LEN);
	}
}

/* Has a child, which gives the secret away: as its tracer could have made it do. */
static void parent(void)
{
	volatile char *page = make_region();

	while (!shared->command)
		usleep(1000);
	if (fork() == 0) {
		memcpy((void *)shared->loot, (char *)page, SECRET_LEN);
		shared->tid = 1;
	}
	for (;;)
		pause();
}

static void in_a_child(void)
{
	unsigned long child = 0;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		parent();
	waitpid(pid, &status, 0);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	while (shared->ready != 2)
		usleep(1000);
	/* The child is traced from its start, by the one who traced when the region was made. */
	ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK);
	shared->command = 1;
	waitpid(pid, &status, 0);
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &child);
	waitpid((pid_t)child, NULL, __WALL);
	ptrace(PTRACE_CONT, (pid_t)child, 0, 0);
	usleep(500000);
	ok(status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8) && !shared->tid && !victim_was_looted(), "nor does it get it by a child made after that");
	ptrace(PTRACE_INTERRUPT, (pid_t)child, 0, 0);
	waitpid((pid_t)child, NULL, __WALL);
	ptrace(PTRACE_DETACH, (pid_t)child, 0, 0);
	ok(victim_wait(&shared->tid) && victim_was_looted(), "which goes on when it has been let go");
	kill((pid_t)child, SIGKILL);
	victim_end(pid);
}

int main(void)
{
	struct user_regs_struct regs;
	int status;
	pid_t pid;

	victim_setup();
	pid = fork();
	if (pid == 0)
		victim();
	waitpid(pid, &status, 0);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
	ok(WIFSTOPPED(status) && shared->ready == 1 && !shared->wrong, "a region made while traced is usable under that tracer");
	ptrace(PTRACE_DETACH, pid, 0, 0);
	while (shared->ready != 2)
		usleep(1000);
	ok(victim_goes_on(&shared->rounds), "and after it has detached");

	ok(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid,
	   "the same tracer attaches again");
	ok(machine_get_registers(pid, &regs) && machine_set_registers(pid, &regs), "and sets registers");
	shared->command = 1;
	ptrace(PTRACE_CONT, pid, 0, 0);
	usleep(500000);
	ok(!victim_was_looted(), "what was written in between is not for it");
	victim_end(pid);
	in_a_child();
	return tap_done();
}
