// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody keeps the machine awake. Of one user's processes with several threads, one after the other is let open the device, at a pace: many
 * that wait for that can be frozen nevertheless, and go on afterwards. (By a cgroup's freezer, which freezes tasks as suspend does.)
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

#define USER	12345
#define MANY	300
#define MOUNTED	"/dev/shm/freezer"
#define GROUP	MOUNTED "/held_up"

/* They wait for its end. */
static int gate[2];

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* ->rounds: how many there are; ->others: how many have opened it; ->wrong: how many could not. */
static void opener(void)
{
	pthread_attr_t small;
	pthread_t thread;
	char end;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	if (setgid(USER) || setuid(USER) || pthread_create(&thread, &small, idle, NULL))
		_exit(2);
	__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_SEQ_CST);
	close(gate[1]);
	if (nice(19) != 19 || read(gate[0], &end, 1))
		_exit(2);
	if (open("/dev/cryptmem", O_RDWR) < 0)
		__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&shared->others, 1, __ATOMIC_SEQ_CST);
	idle(NULL);
}

static bool make_group(void)
{
	mkdir(MOUNTED, 0755);
	return mount("cgroup", MOUNTED, "cgroup", 0, "freezer") == 0 && mkdir(GROUP, 0755) == 0;
}

static bool start(pid_t *pids)
{
	char pid[16];

	for (int i = 0; i < MANY; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			opener();
		snprintf(pid, sizeof(pid), "%d", pids[i]);
		if (!victim_set(GROUP "/cgroup.procs", pid))
			return false;
	}
	for (int i = 0; i < 3000 && shared->rounds < MANY; i++)
		usleep(20000);
	return shared->rounds == MANY;
}

/* How many have it by now, even those that have been frozen right after that. */
static long count_open(const pid_t *pids)
{
	char path[64], target[32];
	long open = 0;
	ssize_t n;

	for (int i = 0; i < MANY; i++)
		for (int fd = 0; fd < 16; fd++) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", pids[i], fd);
			n = readlink(path, target, sizeof(target) - 1);
			target[n < 0 ? 0 : n] = 0;
			open += strcmp(target, "/dev/cryptmem") == 0;
		}
	return open;
}

static bool is_frozen(void)
{
	char state[16];

	/* Long enough for all to have opened it, at that pace. */
	for (int i = 0; i < 6000; i++) {
		victim_get(GROUP "/freezer.state", state, sizeof(state));
		if (strcmp(state, "FROZEN") == 0)
			return true;
		usleep(20000);
	}
	return false;
}

int main(void)
{
	pid_t pids[MANY];
	long opened;

	victim_setup();
	if (!make_group()) {
		ok(true, "who waits for its turn # SKIP this kernel has no cgroup that freezes as suspend does: %s", strerror(errno));
		return tap_done();
	}
	if (pipe(gate) || !start(pids))
		return 2;
	close(gate[1]);
	while (shared->others == 0)
		usleep(1000);
	ok(victim_set(GROUP "/freezer.state", "FROZEN") && is_frozen(), "all are frozen");
	opened = count_open(pids);
	ok(opened < MANY, "%ld of %d had opened the device: who waits for its turn is frozen, too", opened, MANY);
	sleep(1);
	ok(count_open(pids) == opened, "control: it is, and not only told so");
	victim_set(GROUP "/freezer.state", "THAWED");
	for (int i = 0; i < 6000 && shared->others < MANY; i++)
		usleep(20000);
	ok(shared->others == MANY && shared->wrong == 0, "afterwards all others open it: %ld could not", shared->wrong);
	for (int i = 0; i < MANY; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	if (rmdir(GROUP) || umount(MOUNTED))
		tap_note("the cgroup stays: %s", strerror(errno));
	return tap_done();
}
