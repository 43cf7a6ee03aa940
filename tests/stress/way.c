// SPDX-License-Identifier: GPL-2.0-only
#include "way.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define GROUPS	"/sys/fs/cgroup"

static int seconds = 3;
static time_t until;
static struct tap_random random_state = { .state = 4711 };
/* The cgroup of this process's way: those that go on beside each other must not share one. */
static char group[64];

void way_set_up(int for_seconds, unsigned int random)
{
	if (for_seconds > 0)
		seconds = for_seconds;
	random_state.state += random;
}

int way_seconds(void)
{
	return seconds;
}

void way_from_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	until = t.tv_sec + seconds;
}

bool way_going_on(long done)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec < until + (done > 0 || tally->died || tally->failed ? 0 : WAY_ENOUGH);
}

unsigned long way_any(unsigned long below)
{
	return tap_random(&random_state, below);
}

void way_begun(const pid_t *pids, unsigned int n, long before)
{
	if (!workers_reach(&tally->started, before + n, pids, n))
		tally_fail("%ld of %u owners began", tally->started - before, n);
	way_from_now();
}

void way_start(pid_t *pids, unsigned int n, const struct work *work)
{
	long before = tally->started;

	for (unsigned int i = 0; i < n; i++)
		pids[i] = worker_start(work);
	way_begun(pids, n, before);
}

void way_end(const pid_t *pids, unsigned int n)
{
	tally->sweep = true;
	if (!workers_reach(&tally->swept, n, pids, n))
		tally_fail("%ld of %u owners went on to the end", tally->swept, n);
	for (unsigned int i = 0; i < n; i++)
		worker_kill(pids[i], NOT_AT_ALL);
}

long way_number(const char *path)
{
	char text[32];

	victim_get(path, text, sizeof(text));
	return *text ? atol(text) : -1;
}

const char *group_file(const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return path;
}

bool group_make(const char *name, const char *limit)
{
	snprintf(group, sizeof(group), GROUPS "/stress-%s", name);
	mkdir(GROUPS, 0755);
	victim_set(GROUPS "/cgroup.subtree_control", "+memory +pids");
	mkdir(group, 0755);
	victim_set(group_file("memory.swap.max"), "max");
	victim_set(group_file("pids.max"), "max");
	return victim_set(group_file("memory.max"), limit);
}

void group_enter(void)
{
	if (!victim_set(group_file("cgroup.procs"), "0"))
		tally_fail("an owner did not get into %s", group);
}
