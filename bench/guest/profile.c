// SPDX-License-Identifier: GPL-2.0-only
/*
 * profile WHAT [N]: does something a number of times, between the lines
 * @trace-on and @trace-off, for bench/profile. A record says how many
 * instructions its own clock saw, and where the functions are that it calls
 * before and after.
 *
 *	switch N	sleeps, with N pages written before each time
 *	thrash		a fault and an eviction: a page of a window that is too small
 *	unmap N		a region of one page is unmapped, of N and some more
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/bench.h"

#define TIMES	16

static unsigned char *pages;
static unsigned char *more[TIMES];
static unsigned long n = 32;

static void mark(const char *line)
{
	char answer[32];

	puts(line);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		die("nobody answers");
}

/* Two functions, although they do the same. */
static __attribute__((noipa)) uint64_t begin(void)
{
	return now();
}

static __attribute__((noipa)) uint64_t finish(void)
{
	return now();
}

static void do_switch(int i)
{
	for (unsigned long page = 0; page < n; page++)
		pages[page * PAGE] = (unsigned char)i;
	sleep_until(now() + 1000000);
}

static void do_thrash(int i)
{
	pages[i % TIMES * PAGE]++;
}

static void do_unmap(int i)
{
	munmap(more[i], PAGE);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	void (*once)(int i) = do_switch;
	int fd = device(), rehearsals = TIMES;
	uint64_t start, end;

	if (argc > 2)
		n = strtoul(argv[2], NULL, 0);
	if (!strcmp(what, "unmap")) {
		once = do_unmap;
		rehearsals = 0;
		for (unsigned long i = 0; i < n; i++)
			*(volatile unsigned char *)region(fd, PAGE) = 1;
		for (int i = 0; i < TIMES; i++) {
			more[i] = region(fd, PAGE);
			*(volatile unsigned char *)more[i] = 1;
		}
	} else if (!strcmp(what, "thrash")) {
		once = do_thrash;
		set_window(fd, 8);
		pages = region(fd, TIMES * PAGE);
	} else if (!strcmp(what, "switch")) {
		set_window(fd, (unsigned int)n);
		pages = region(fd, n * PAGE);
	} else {
		die("profile: no such thing to do: %s", what);
	}
	/* Waiting for the answer may have emptied the window. */
	mark("@trace-on");
	for (int i = 0; i < rehearsals; i++)
		once(i);
	start = begin();
	for (int i = 0; i < TIMES; i++)
		once(i);
	end = finish();
	mark("@trace-off");
	record_begin(what);
	field("n", n);
	field("times", TIMES);
	field("instructions", end - start);
	field("begin", (uintptr_t)begin);
	field("end", (uintptr_t)finish);
	record_end();
	return 0;
}
