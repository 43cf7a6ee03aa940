// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3, nothing is lost: what the kernel writes for a program without looking whether it could is there, in a region, too, when a debugger has
 * been: the number of a new thread or process, and that a thread has ended, which others wait for. (A thread whose stack is in a region has both.)
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define STACK	65536
#define STALE	0x7fffffff

static int *word;
static char stack[STACK] __attribute__((aligned(16)));

static void command(int which)
{
	while (shared->command < which)
		usleep(1000);
}

/* A child that touches nothing. ->tid: what clone() says. */
static void parent_tid(void)
{
	long pid;

	*word = STALE;
	shared->ready = 1;
	command(1);
	pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, NULL, word, NULL, NULL);
	if (pid == 0)
		_exit(0);
	shared->tid = (int)pid;
	shared->ready = 2;
	command(2);
	shared->wrong = *word != pid;
}

static int end_on_command(void *unused)
{
	(void)unused;
	shared->ready = 1;
	command(1);
	return 0;
}

/* The kernel's number of threads of this process. */
static long threads(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long n = 0;

	while (f && n == 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %ld", &n) != 1)
			n = 0;
	if (f)
		fclose(f);
	return n;
}

static void clear_child_tid(void)
{
	*word = STALE;
	clone(end_on_command, stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID, NULL, NULL, NULL, word);
	while (threads() != 1)
		usleep(1000);
	shared->ready = 2;
	command(2);
	shared->wrong = *word != 0;
}

static void end_in_region(void (*what)(void))
{
	word = (int *)victim_region(1, NULL);
	what();
	shared->others = 1;
	_exit(0);
}

static void try(const char *name, void (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		end_in_region(what);
	ok(victim_wait(&shared->ready) && ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 &&
	   waitpid(pid, &status, __WALL) == pid && ptrace(PTRACE_CONT, pid, 0, 0) == 0, "%s: a debugger stops it, and lets it go on", name);
	shared->command = 1;
	for (int i = 0; i < 10000 && shared->ready < 2; i++) {
		usleep(1000);
		/* A child of its own has ended. */
		if (waitpid(pid, &status, __WALL | WNOHANG) == pid && WIFSTOPPED(status))
			ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status));
	}
	ok(shared->ready == 2, "%s: it does under the debugger", name);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	shared->command = 2;
	for (int i = 0; i < 10000 && !shared->others; i++)
		usleep(1000);
	ok(shared->others == 1 && !shared->wrong, "%s: detached, it finds that in its region", name);
	victim_end(pid);
}

int main(void)
{
	victim_setup();
	try("the number of a new process", parent_tid);
	try("a thread has ended", clear_child_tid);
	return tap_done();
}
