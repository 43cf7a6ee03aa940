// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody keeps the machine awake. Of one user's processes with several threads, one after the other is let open the device, at a pace: many
 * that wait for that can be frozen nevertheless, and go on afterwards. (By a cgroup's freezer: that of version 1 freezes tasks as suspend does.)
 * What is done to one that waits is not forgotten.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

#define USER	12345
#define MANY	300
#define MOST	1200
#define MOUNTED	"/dev/shm/freezer"
#define GROUP	MOUNTED "/held_up"

static const struct freezer {
	const char *type, *options, *control, *freeze, *thaw;
} freezers[] = {
	{ "cgroup", "freezer", GROUP "/freezer.state", "FROZEN", "THAWED" },
	{ "cgroup2", NULL, GROUP "/cgroup.freeze", "1", "0" },
};
static const struct freezer *freezer;

/* They wait for its end. */
static int gate[2];
static long ordinary;	/* what may be written to */

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* ->rounds: how many there are; ->others: how many have a region, and have touched it; ->wrong: how many could not open the device. */
static void opener(void)
{
	pthread_attr_t small;
	pthread_t thread;
	int device;
	char end;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	if (setgid(USER) || setuid(USER) || pthread_create(&thread, &small, idle, NULL))
		_exit(2);
	__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_SEQ_CST);
	close(gate[1]);
	if (nice(19) != 19 || read(gate[0], &end, 1))
		_exit(2);
	device = open("/dev/cryptmem", O_RDWR);
	if (device < 0)
		__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_SEQ_CST);
	*(volatile char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0) = 1;
	__atomic_add_fetch(&shared->others, 1, __ATOMIC_SEQ_CST);
	idle(NULL);
}

static bool make_group(void)
{
	mkdir(MOUNTED, 0755);
	return mount("cgroup", MOUNTED, freezer->type, 0, freezer->options) == 0 && mkdir(GROUP, 0755) == 0;
}

static bool start(pid_t *pids, int many)
{
	char pid[16];

	for (int i = 0; i < many; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			opener();
		snprintf(pid, sizeof(pid), "%d", pids[i]);
		if (!victim_set(GROUP "/cgroup.procs", pid))
			return false;
	}
	for (int i = 0; i < 3000 && shared->rounds < many; i++)
		usleep(20000);
	return shared->rounds == many;
}

/* How many have it by now, even those that have been frozen right after that. */
static long count_open(const pid_t *pids, int many)
{
	char path[64], target[32];
	long open = 0;
	ssize_t n;

	for (int i = 0; i < many; i++)
		for (int fd = 0; fd < 16; fd++) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", pids[i], fd);
			n = readlink(path, target, sizeof(target) - 1);
			target[n < 0 ? 0 : n] = 0;
			open += strcmp(target, "/dev/cryptmem") == 0;
		}
	return open;
}

/* One that waits: a system call is under way, and it is that. */
static pid_t find_waiting(const pid_t *pids, int many)
{
	char path[64], call[32];

	for (int i = 0; i < many; i++) {
		snprintf(path, sizeof(path), "/proc/%d/syscall", pids[i]);
		victim_get(path, call, sizeof(call));
		if (strtol(call, NULL, 10) == SYS_openat && strchr(call, ' '))
			return pids[i];
	}
	return -1;
}

/* It waits before and after. */
static pid_t alter_waiting(const pid_t *pids, int many)
{
	struct iovec word = { &ordinary, sizeof(ordinary) };
	pid_t pid = find_waiting(pids, many);

	return pid > 0 && process_vm_writev(pid, &word, 1, &word, 1, 0) == sizeof(ordinary) ? pid : -1;
}

static bool is_frozen(void)
{
	char state[16];

	/* Long enough for all to have opened it, at that pace. */
	for (int i = 0; i < 6000; i++) {
		victim_get(freezer->control, state, sizeof(state));
		if (strcmp(state, "FROZEN") == 0 || victim_field(GROUP "/cgroup.events", "frozen") == 1)
			return true;
		usleep(20000);
	}
	return false;
}

/* Lets them go on, and looks at how. */
static void thaw(const pid_t *pids, int many, pid_t altered)
{
	long alive = 0;
	int status = 0;

	victim_set(freezer->control, freezer->thaw);
	for (int i = 0; i < 6000 && shared->others < many - 1; i++)
		usleep(20000);
	for (int i = 0; i < 10000 && altered > 0 && waitpid(altered, &status, WNOHANG) != altered; i++)
		usleep(1000);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "who was written to while it waited does not get to use its region");
	for (int i = 0; i < many; i++)
		alive += kill(pids[i], 0) == 0;
	ok(shared->others == many - 1 && alive == many - 1 && shared->wrong == 0, "all others do: %ld of %d; %ld could not open the device", shared->others,
	   many, shared->wrong);
}

/* False: all had opened it before a slow machine had frozen them, which says nothing, nor was any of it told. */
static bool freeze_many(int many, bool last)
{
	pid_t pids[MOST], altered;
	bool frozen, told;
	long opened;

	memset(shared, 0, sizeof(*shared));
	if (pipe(gate) || !start(pids, many))
		exit(2);
	close(gate[1]);
	while (shared->others == 0)
		usleep(1000);
	altered = alter_waiting(pids, many);
	frozen = victim_set(freezer->control, freezer->freeze) && is_frozen();
	opened = count_open(pids, many);
	told = opened < many || last;
	if (told) {
		ok(altered > 0, "control: one that waits is written to");
		ok(frozen, "all are frozen, by a %s", freezer->type);
		ok(opened < many, "%ld of %d had opened the device: who waits for its turn is frozen, too", opened, many);
		sleep(1);
		ok(count_open(pids, many) == opened, "control: it is, and not only told so");
		thaw(pids, many, altered);
	}
	for (int i = 0; i < many; i++)
		if (pids[i] != altered)
			kill(pids[i], SIGKILL);
	victim_set(freezer->control, freezer->thaw);
	while (wait(NULL) > 0)
		;
	close(gate[0]);
	return told;
}

static void freeze(void)
{
	if (!make_group()) {
		ok(true, "who waits for its turn # SKIP this kernel has no %s that freezes: %s", freezer->type, strerror(errno));
		umount(MOUNTED);
		return;
	}
	for (int many = MANY; !freeze_many(many, 2 * many > MOST); many *= 2)
		tap_note("all %d had opened the device before they were frozen: more of them", many);
	/* The last may be on their way out of it. */
	for (int i = 0; i < 1000 && rmdir(GROUP); i++)
		usleep(10000);
	if (umount(MOUNTED))
		tap_note("the cgroup stays: %s", strerror(errno));
}

int main(void)
{
	victim_setup();
	for (size_t i = 0; i < sizeof(freezers) / sizeof(*freezers); i++) {
		freezer = &freezers[i];
		freeze();
	}
	return tap_done();
}
