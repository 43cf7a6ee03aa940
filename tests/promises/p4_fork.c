// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4 over many generations: each has what its parent had when it was made, changes some of it, and is the parent of the next; each looks
 * at its own again when the last one is there, in the order of their ages or the other way round. What they should have is computed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define GENERATIONS	10
#define PAGES		48	/* more than a window */

static char *region;
static int told[2];	/* to the test, a byte from each generation */

/* Generation g writes to every page whose number g + 2 divides: some pages are old, some new, some shared by many. */
static unsigned char expected(int generation, int page)
{
	for (int g = generation; g > 0; g--)
		if (page % (g + 2) == 0)
			return (unsigned char)(g * 16 + page % 16 + 1);
	return (unsigned char)(page % 16 + 1);
}

static void write_pages(int generation)
{
	for (int i = 0; i < PAGES; i++)
		if (generation == 0 || i % (generation + 2) == 0)
			memset(region + i * 4096, generation * 16 + i % 16 + 1, 4096);
}

static bool same(int generation)
{
	bool good = true;

	for (int i = 0; i < PAGES; i++)
		good &= tap_is_filled(region + i * 4096, expected(generation, i), 4096);
	return good;
}

static void tell(bool good)
{
	char byte = (char)good;

	if (write(told[1], &byte, 1) != 1)
		_exit(2);
}

/* Parents end before their children look again. */
static void oldest_first(void)
{
	for (int generation = 0;; generation++) {
		int alive[2];
		char byte;

		tell(same(generation ? generation - 1 : 0));
		write_pages(generation);
		tell(same(generation));
		if (generation == GENERATIONS)
			_exit(0);
		/* It ends with the parent, its only writer. */
		if (pipe(alive) || fork())
			_exit(0);
		close(alive[1]);
		if (read(alive[0], &byte, 1) != 0)
			_exit(2);
		close(alive[0]);
	}
}

/* Children end before their parents look again. */
static void youngest_first(void)
{
	int generation = 0;
	pid_t pid = 0;

	for (;; generation++) {
		tell(same(generation ? generation - 1 : 0));
		write_pages(generation);
		if (generation == GENERATIONS)
			break;
		pid = fork();
		if (pid)
			break;
	}
	if (pid)
		waitpid(pid, NULL, 0);
	tell(same(generation));
	_exit(0);
}

static void generations(void (*start)(void), const char *order)
{
	int told_of = 0, good = 0;
	char byte;
	pid_t pid;

	if (pipe(told))
		return;
	pid = fork();
	if (pid == 0) {
		close(told[0]);
		region = victim_region(PAGES, NULL);
		write_pages(0);
		start();
	}
	close(told[1]);
	for (; read(told[0], &byte, 1) == 1; told_of++)
		good += byte;
	waitpid(pid, NULL, 0);
	close(told[0]);
	ok(told_of == 2 * (GENERATIONS + 1) && good == told_of,
	   "%d generations have what they should have, %s (%d of %d)", GENERATIONS, order, good, told_of);
}

/* The same parent again and again: each child has what the parent had at that time. */
static void many_children(void)
{
	bool good = true;

	region = victim_region(PAGES, NULL);
	for (int i = 0; i < 20; i++) {
		pid_t pid;
		int status;

		memset(region, i + 1, PAGES * 4096UL);
		pid = fork();
		if (pid == 0) {
			usleep(20000);
			_exit(!tap_is_filled(region, i + 1, PAGES * 4096UL));
		}
		memset(region, 0x80 + i, PAGES * 4096UL);
		good &= waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 && tap_is_filled(region, 0x80 + i, PAGES * 4096UL);
	}
	ok(good, "20 children of one parent, each with what there was when it was made");
}

int main(void)
{
	victim_setup();
	generations(oldest_first, "when those before have gone");
	generations(youngest_first, "when those after have gone");
	many_children();
	return tap_done();
}
