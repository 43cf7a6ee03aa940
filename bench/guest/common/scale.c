// SPDX-License-Identifier: GPL-2.0-only
/* See scale.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"
#include "scale.h"

#define SHORT	200000	/* ns that are not over before one sleeps */

void point(const char *axis, bool protected, uint64_t n, const char *op,
	   double ns)
{
	record_begin("scale");
	field_text("axis", axis);
	field("protected", protected);
	field("n", n);
	field_text("op", op);
	field_real("ns", ns);
	record_end();
}

unsigned char *get_memory(int fd, size_t bytes)
{
	unsigned char *p;

	if (fd >= 0)
		return region(fd, bytes);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

double sleeps(unsigned int times, unsigned char *touch, unsigned int pages)
{
	unsigned int i, page;
	uint64_t start;
	double had;

	spinner_go();
	sleep_until(now() + SHORT);
	had = spinner_had();
	start = now();
	for (i = 0; i < times; i++) {
		for (page = 0; page < pages; page++)
			*(volatile unsigned char *)(touch + page * PAGE) = i;
		sleep_until(now() + SHORT);
	}
	had = now() - start - (spinner_had() - had);
	spinner_stop();
	return had / times;
}

void forks(unsigned int times, double *forking, double *ending)
{
	uint64_t forked = 0, ended = 0, start;
	unsigned int i;

	for (i = 0; i < times; i++) {
		pid_t child;

		start = now();
		child = fork();
		if (child < 0)
			die("fork");
		if (!child)
			_exit(0);
		forked += now() - start;
		start = now();
		if (waitpid(child, NULL, 0) != child)
			die("waitpid");
		ended += now() - start;
	}
	*forking = (double)forked / times;
	*ending = (double)ended / times;
}

void measure_each(void (*measure)(void *n), char **numbers)
{
	unsigned long n = 64;

	spinner_init();
	rehearsal = true;
	in_child(measure, &n);
	rehearsal = false;
	for (; *numbers; numbers++) {
		n = strtoul(*numbers, NULL, 0);
		in_child(measure, &n);
	}
}

/* What a probe tells its parent. */
struct costs {
	double map, touch, sleep, fork, end;
	uint64_t exits;	/* when it began to */
};

static void probe_one(bool protected, struct costs *costs)
{
	uint64_t start = now(), mapped;
	unsigned char *p = get_memory(protected ? device() : -1, PAGE);

	mapped = now();
	costs->map = mapped - start;
	*(volatile unsigned char *)p = 1;
	costs->touch = now() - mapped;
	costs->sleep = sleeps(4, p, 1);
	forks(1, &costs->fork, &costs->end);
	costs->exits = now();
	_exit(0);
}

void probe(const char *axis, bool protected, uint64_t n, unsigned int times)
{
	struct costs *costs = mmap(NULL, sizeof(*costs), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct costs sum = {};
	uint64_t exiting = 0;
	unsigned int i;

	if (costs == MAP_FAILED)
		die("mmap");
	for (i = 0; i < times; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child)
			probe_one(protected, costs);
		if (waitpid(child, NULL, 0) != child)
			die("waitpid");
		exiting += now() - costs->exits;
		sum.map += costs->map;
		sum.touch += costs->touch;
		sum.sleep += costs->sleep;
		sum.fork += costs->fork;
		sum.end += costs->end;
	}
	munmap(costs, sizeof(*costs));
	point(axis, protected, n, "map the first page", sum.map / times);
	point(axis, protected, n, "touch it", sum.touch / times);
	point(axis, protected, n, "sleep and wake", sum.sleep / times);
	point(axis, protected, n, "fork", sum.fork / times);
	point(axis, protected, n, "a child's end", sum.end / times);
	point(axis, protected, n, "exit", (double)exiting / times);
}

void sleeper(bool protected)
{
	int ready[2];
	char byte = 0;
	pid_t child;

	if (pipe(ready))
		die("pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		unsigned char *p = get_memory(protected ? device() : -1, PAGE);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*(volatile unsigned char *)p = 1;
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		close(ready[0]);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("a sleeper has ended");
	close(ready[0]);
}
