// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale-regions plain|protected N...: what one more page of memory of its own costs a process that has N of them; and
 * what it costs to sleep and wake, to fork, and to unmap them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/bench.h"
#include "common/scale.h"

#define MORE	16	/* that are mapped and unmapped while there are N */

static bool protected;

static void more(int fd, unsigned long n)
{
	unsigned char *p[MORE];
	uint64_t start = now(), mapped, touched;
	int i;

	for (i = 0; i < MORE; i++)
		p[i] = get_memory(fd, PAGE);
	mapped = now();
	for (i = 0; i < MORE; i++)
		*(volatile unsigned char *)p[i] = 1;
	touched = now();
	for (i = 0; i < MORE; i++)
		munmap(p[i], PAGE);
	point("regions", protected, n, "map a page", (double)(mapped - start) / MORE);
	point("regions", protected, n, "touch it", (double)(touched - mapped) / MORE);
	point("regions", protected, n, "unmap it", (double)(now() - touched) / MORE);
}

static void measure(void *arg)
{
	unsigned long n = *(unsigned long *)arg, i;
	int fd = protected ? device() : -1;
	unsigned char **all = calloc(n, sizeof(*all));
	double forking, ending;
	uint64_t start;

	if (!all)
		die("calloc");
	for (i = 0; i < n; i++) {
		all[i] = get_memory(fd, PAGE);
		*(volatile unsigned char *)all[i] = 1;
	}
	more(fd, n);
	point("regions", protected, n, "sleep and wake", sleeps(16, all[0], 1));
	forks(2, &forking, &ending);
	point("regions", protected, n, "fork, for each", forking / n);
	point("regions", protected, n, "a child's end, for each", ending / n);
	start = now();
	for (i = 0; i < n; i++)
		munmap(all[i], PAGE);
	point("regions", protected, n, "unmap all, for each", (double)(now() - start) / n);
	free(all);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	protected = !strcmp(argv[1], "protected");
	measure_each(measure, argv + 2);
	return 0;
}
