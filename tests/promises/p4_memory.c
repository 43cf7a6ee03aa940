// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4 when memory runs out: a process fills a region that is larger than its memory cgroup may be. It is killed, as for any other memory;
 * what it had is given back, and nobody else loses anything.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/machine.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"

#define GROUP	"/sys/fs/cgroup/p4_memory"
#define LIMIT	(4UL << 20)
#define PAGES	(4 * LIMIT / 4096)

/* An owner elsewhere, at work all the time on more pages than its window holds. */
static pid_t bystander(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		unsigned char *region = (unsigned char *)victim_region(40, NULL);

		for (unsigned int round = 1;; round++) {
			for (unsigned int i = 0; i < 40; i++) {
				if (region[i * 4096 + i] != (unsigned char)(round > 1 ? round - 1 + i : 0))
					shared->wrong++;
				region[i * 4096 + i] = (unsigned char)(round + i);
			}
			shared->rounds = round;
			shared->ready = 1;
			usleep(20000);
		}
	}
	victim_wait(&shared->ready);
	return pid;
}

static long number(const char *path)
{
	char text[64];

	victim_get(path, text, sizeof(text));
	return text[0] ? atol(text) : -1;
}

static long kills(void)
{
	long count = -1;
	FILE *file = fopen(GROUP "/memory.events", "r");
	char name[64];
	long value;

	while (file && fscanf(file, "%63s %ld", name, &value) == 2)
		if (strcmp(name, "oom_kill") == 0)
			count = value;
	if (file)
		fclose(file);
	return count;
}

/* By its own stores, or by a system call. */
static void fill(char *region, bool by_call)
{
	int zero = open("/dev/zero", O_RDONLY);

	for (size_t at = 0; at < PAGES * 4096; at += 4096) {
		if (!by_call)
			region[at] = 1;
		else if (read(zero, region + at, 4096) != 4096)
			_exit(3);
		shared->command = (int)(at / 4096) + 1;
	}
	_exit(0);
}

static int filler(bool by_call, size_t *reached)
{
	pid_t pid = fork();
	int status;

	shared->command = 0;
	if (pid == 0) {
		char self[16];

		snprintf(self, sizeof(self), "%d", getpid());
		if (!victim_set(GROUP "/cgroup.procs", self))
			_exit(4);
		fill(victim_region(PAGES, NULL), by_call);
	}
	waitpid(pid, &status, 0);
	*reached = (size_t)shared->command;
	return status;
}

static void try(bool by_call, const char *how)
{
	long before = kills();
	size_t reached;
	int status = filler(by_call, &reached);

	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && kills() == before + 1,
	   "a region larger than memory.max, filled %s: its process is killed", how);
	ok(reached > LIMIT / 4096 / 2 && reached <= LIMIT / 4096, "when it has used about as much (%zu pages of %lu)", reached, LIMIT / 4096);
	ok(victim_goes_on(&shared->rounds) && !shared->wrong, "others go on");
}

/* What dead processes had is uncharged when RCU gets to it. */
static bool given_back(void)
{
	for (int i = 0; i < 10000 && number(GROUP "/memory.current") > (long)LIMIT / 4; i++)
		usleep(1000);
	return number(GROUP "/memory.current") >= 0 && number(GROUP "/memory.current") <= (long)LIMIT / 4;
}

/* What the kernel may promise to all: where that is strict, each page of ciphertext counts. */
static void no_more_committed(void)
{
	char before[32], most[32];
	long committed = victim_field("/proc/meminfo", "Committed_AS:");
	int status;
	pid_t pid;

	victim_get("/proc/sys/vm/overcommit_kbytes", before, sizeof(before));
	snprintf(most, sizeof(most), "%ld", committed + 4096);
	pid = fork();
	if (pid == 0) {
		char *region;

		/* Root may have a little more. */
		if (setuid(65534))
			_exit(3);
		region = victim_region(PAGES, NULL);
		shared->ready = 1;
		while (!shared->command)
			usleep(1000);
		fill(region, false);
		_exit(0);
	}
	ok(victim_wait(&shared->ready) && committed > 0 && victim_set("/proc/sys/vm/overcommit_kbytes", most) &&
	   victim_set("/proc/sys/vm/overcommit_memory", "2"), "control: the kernel promises no more than %s kB", most);
	shared->command = 1;
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "a region that needs more: SIGBUS");
	victim_set("/proc/sys/vm/overcommit_memory", "0");
	victim_set("/proc/sys/vm/overcommit_kbytes", before);
	ok(victim_log("may be committed for its ciphertext"), "the log says why");
}

int main(void)
{
	char limit[32];
	pid_t pid;

	victim_setup();
	if (MACHINE_SLOW && sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		ok(true, "what is written to a region counts against the memory cgroup # SKIP takes too long with one CPU and a slow cipher");
		return tap_done();
	}
	snprintf(limit, sizeof(limit), "%lu", LIMIT);
	victim_set("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0755);
	ok(victim_set(GROUP "/memory.max", limit), "control: there is a small memory cgroup");
	pid = bystander();
	try(false, "by stores");
	ok(number(GROUP "/memory.peak") > (long)LIMIT / 2, "it was charged for that");
	try(true, "by system calls");
	ok(given_back(), "what they had is given back (%ld bytes left)", number(GROUP "/memory.current"));
	victim_end(pid);
	ok(rmdir(GROUP) == 0, "and the cgroup goes");
	no_more_committed();
	return tap_done();
}
