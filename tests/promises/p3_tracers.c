// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3 for other ways to watch a process: gdb, a tracer on a task that shares the memory but is no thread, a uprobe. Meanwhile nobody of
 * that memory gets plaintext; afterwards all go on, as looking is forgiven.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define STACK	65536

static char *page;
static char plain[4096];

static void caught(int signal)
{
	(void)signal;
	shared->wrong = 1000000;
	_exit(0);
}

/* Where uprobes are put. */
static __attribute__((noinline)) void count(volatile long *rounds)
{
	(*rounds)++;
}

/* Busy all the time with what is in the region, until told to end. */
static int work(void *rounds)
{
	char secret[SECRET_LEN];

	victim_make_secret(secret);
	while (!shared->command) {
		if (memcmp(page, secret, SECRET_LEN))
			shared->wrong++;
		count(rounds);
	}
	return 0;
}

static pid_t start(void (*victim)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGBUS, caught);
		page = victim_region(1, NULL);
		victim_make_secret(page);
		victim_make_secret(plain);
		/* Where it is, for the tracer. */
		memcpy((void *)shared->loot, &page, sizeof(page));
		victim();
		_exit(0);
	}
	if (!victim_wait(&shared->ready))
		exit(2);
	memcpy(&page, (void *)shared->loot, sizeof(page));
	return pid;
}

static void alone(void)
{
	shared->ready = 1;
	work((void *)&shared->rounds);
}

/* A look with gdb at what a busy process has in ordinary memory and in its region, and at its registers and stack. */
static void gdb(void)
{
	bool ran = false, in_region = false, found[2] = { false, false };
	char line[256], command[512], bytes[128] = "", secret[SECRET_LEN];
	pid_t pid = start(alone);
	FILE *out;

	if (system("command -v gdb >/dev/null")) {
		ok(true, "gdb # SKIP there is none for this machine");
		victim_end(pid);
		return;
	}
	victim_make_secret(secret);
	for (int i = 0; i < 8; i++)
		sprintf(bytes + strlen(bytes), "\t0x%02x", (unsigned char)secret[i]);
	snprintf(command, sizeof(command),
		 "gdb -nx -batch -iex 'set auto-solib-add off' -p %d -ex 'x/8xb %p' -ex 'echo region\\n' -ex 'x/8xb %p' "
		 "-ex 'info registers' -ex bt -ex detach -ex 'echo done\\n' 2>&1",
		 pid, plain, page);
	out = popen(command, "r");
	while (out && fgets(line, sizeof(line), out)) {
		found[in_region] |= strstr(line, bytes) != NULL;
		in_region |= strcmp(line, "region\n") == 0;
		ran |= strcmp(line, "done\n") == 0;
	}
	if (out)
		pclose(out);
	ok(ran && found[false], "control: gdb attaches to a busy process, reads its ordinary memory, and detaches");
	ok(in_region && !found[true], "it does not read a region");
	ok(victim_goes_on(&shared->rounds) && !shared->wrong, "the process goes on as if nothing had happened");
	victim_end(pid);
}

static void together(void)
{
	char *stack = malloc(STACK);

	shared->tid = clone(work, stack + STACK, CLONE_VM | SIGCHLD, (void *)&shared->others);
	shared->ready = 1;
	work((void *)&shared->rounds);
	waitpid(shared->tid, NULL, 0);
}

/* One is traced, and goes on under its tracer: both park. */
static void traced(pid_t pid, const char *who)
{
	int status;

	ok(victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others), "control: both go on");
	ok(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 && victim_stands_still(&shared->rounds) && victim_stands_still(&shared->others),
	   "two processes with one memory, %s is seized: both park", who);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	ok(victim_stands_still(&shared->rounds) && victim_stands_still(&shared->others), "stopped and let go on, too");
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	ok(victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others) && !shared->wrong, "detached, both go on");
}

static void sharing_memory(void)
{
	pid_t pid = start(together);

	traced(shared->tid, "the second");
	traced(pid, "the first");
	shared->command = 1;
	waitpid(pid, NULL, 0);
	victim_end(pid);
}

static void parent_of_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		shared->tid = getpid();
		shared->ready = 1;
		_exit(work((void *)&shared->others));
	}
	shared->wrong += page[0] == 0;
	shared->ready = 2;
	pause();
}

static void vforking(void)
{
	pid_t pid = start(parent_of_vfork), child = shared->tid;

	ok(victim_goes_on(&shared->others) && shared->ready == 1, "control: a vfork() child goes on, its parent waits");
	ok(ptrace(PTRACE_SEIZE, child, 0, 0) == 0 && victim_stands_still(&shared->others), "it is seized: it parks");
	ptrace(PTRACE_INTERRUPT, child, 0, 0);
	waitpid(child, NULL, __WALL);
	ptrace(PTRACE_DETACH, child, 0, 0);
	ok(victim_goes_on(&shared->others) && !shared->wrong, "detached, it goes on");
	shared->command = 1;
	for (int i = 0; i < 10000 && shared->ready != 2; i++)
		usleep(1000);
	ok(shared->ready == 2 && !shared->wrong, "when it has ended, so does its parent");
	victim_end(pid);
}

static bool probe(bool on)
{
	return victim_set("/sys/kernel/tracing/events/uprobes/p3_count/enable", on ? "1" : "0");
}

static void uprobe(void)
{
	static const char *const events = "/sys/kernel/tracing/uprobe_events";
	char place[PATH_MAX + 64], event[PATH_MAX + 96];
	pid_t pid = start(alone);
	bool found;

	ok(victim_goes_on(&shared->rounds), "control: without a uprobe it goes on");
	found = victim_place(count, place, sizeof(place));
	snprintf(event, sizeof(event), "p:p3_count %s", place);
	ok(found && victim_set(events, event) && probe(true), "control: a uprobe is put into the program (%s)", place);
	ok(victim_stands_still(&shared->rounds), "it parks");
	ok(probe(false), "control: the uprobe is taken out");
	ok(victim_goes_on(&shared->rounds) && !shared->wrong, "it goes on as if nothing had happened");
	victim_end(pid);
	victim_set(events, "-:p3_count");
}

int main(void)
{
	victim_setup();
	gdb();
	sharing_memory();
	vforking();
	uprobe();
	return tap_done();
}
