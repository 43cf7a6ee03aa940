// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale-bytes plain|protected size N...: regions of N MiB, of which the same few pages have been written
 * scale-bytes plain|protected pages N...: a region of 1 GiB, of which N pages have been written
 * What it costs to map it, to touch a page, to sleep and wake, to fork, to
 * unmap it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/bench.h"
#include "common/scale.h"

#define FEW	64	/* pages, twice a window */
#define TRIES	16
#define MB	(1UL << 20)

static bool protected, by_size;

static void measure(void *arg)
{
	unsigned long n = *(unsigned long *)arg, pages = by_size ? FEW : n, i;
	const char *axis = by_size ? "MiB" : "pages written";
	size_t bytes = (by_size ? n : 1024) * MB, stride = bytes / pages;
	double each = by_size ? 1 : pages, forking, ending;
	int fd = protected ? device() : -1;
	uint64_t start = now();
	unsigned char *p = get_memory(fd, bytes);

	point(axis, protected, n, "map it", now() - start);
	stride -= stride % PAGE;
	start = now();
	for (i = 0; i < pages; i++)
		*(volatile unsigned char *)(p + i * stride) = 1;
	point(axis, protected, n, "write to a page, the first time", (double)(now() - start) / pages);
	/* Pages that have been put out, if they are protected. */
	start = now();
	for (i = 0; i < TRIES; i++)
		*(volatile unsigned char *)(p + i * (pages / TRIES) * stride) = 1;
	point(axis, protected, n, "write to a page again", (double)(now() - start) / TRIES);
	point(axis, protected, n, "sleep and wake", sleeps(16, p, 1));
	forks(2, &forking, &ending);
	point(axis, protected, n, by_size ? "fork" : "fork, for each page", forking / each);
	point(axis, protected, n, by_size ? "a child's end" : "a child's end, for each page", ending / each);
	start = now();
	munmap(p, bytes);
	point(axis, protected, n, by_size ? "unmap it" : "unmap it, for each page", (now() - start) / each);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	protected = !strcmp(argv[1], "protected");
	by_size = !strcmp(argv[2], "size");
	measure_each(measure, argv + 3);
	return 0;
}
