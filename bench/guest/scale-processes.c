// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale-processes plain|protected|children N...: what it costs one more process to get memory, to sleep and wake, to fork, to
 * exit, while N others sleep, that have memory of that kind. children: while a
 * protected parent has N children, all of the same regions.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bench.h"
#include "common/scale.h"

#define PROBES	8
#define PAGES	16	/* of a parent's region */

static void crowd(bool protected, int argc, char **argv)
{
	unsigned long have = 0;
	int i;

	rehearsal = true;
	probe("", protected, 0, 2);
	rehearsal = false;
	for (i = 0; i < argc; i++) {
		unsigned long want = strtoul(argv[i], NULL, 0);

		for (; have < want; have++)
			sleeper(protected);
		probe("processes", protected, have, PROBES);
	}
}

/* How many children have done all that they ever do. */
static volatile unsigned long *settled;

/* A child that keeps what it inherited, and touches a page of it first. */
static void inherit(unsigned char *p)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	*(volatile unsigned char *)p = 2;
	__atomic_add_fetch(settled, 1, __ATOMIC_RELAXED);
	for (;;)
		pause();
}

static void parent(int fd, unsigned char *p, unsigned long have)
{
	double forking, ending, sleeping;
	uint64_t start, evictions;

	memset(p, 1, PAGES * PAGE);
	/* What it does not use any more leaves the window in a round of ageing, at each 64th switch at the latest. */
	sleeps(64, p, 1);
	sleeping = sleeps(32, p, 1);
	set_window(fd, PAGES);
	memset(p, 1, PAGES * PAGE);
	evictions = status(fd).evictions;
	start = now();
	set_window(fd, PAGES / 2);
	point("children", true, have, "put a page out",
	      (double)(now() - start) / (status(fd).evictions - evictions));
	set_window(fd, PAGES);
	start = now();
	memset(p, 1, PAGES * PAGE);
	point("children", true, have, "bring a page back", (now() - start) / (PAGES / 2.0));
	forks(4, &forking, &ending);
	point("children", true, have, "sleep and wake", sleeping);
	point("children", true, have, "fork", forking);
	point("children", true, have, "a child's end", ending);
}

static void family(int argc, char **argv)
{
	int fd = device(), i;
	unsigned char *p = region(fd, PAGES * PAGE);
	unsigned long have = 0;

	settled = (volatile unsigned long *)get_memory(-1, PAGE);
	rehearsal = true;
	parent(fd, p, 0);
	rehearsal = false;
	for (i = 0; i < argc; i++) {
		unsigned long want = strtoul(argv[i], NULL, 0);

		for (; have < want; have++)
			inherit(p);
		while (*settled < have)
			usleep(1000);
		parent(fd, p, have);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	spinner_init();
	if (!strcmp(argv[1], "children"))
		family(argc - 2, argv + 2);
	else
		crowd(!strcmp(argv[1], "protected"), argc - 2, argv + 2);
	return 0;
}
