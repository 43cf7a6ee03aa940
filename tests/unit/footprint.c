// SPDX-License-Identifier: LGPL-2.1-or-later
/* How much memory and how many regions it takes. */
#define PAGE	((size_t)4096)
#include <salloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "backend_test.h"
#include "tap.h"

#define ARENA	((size_t)64 << 20)
#define MANY	20000

static char *arena;

/* Pages of the arena that occupy memory. */
static size_t resident(void)
{
	static unsigned char pages[ARENA / PAGE];
	size_t count = 0;

	mincore(arena, ARENA, pages);
	for (size_t i = 0; i < ARENA / PAGE; i++)
		count += pages[i] & 1;
	return count;
}

static void one_key(void)
{
	char *key = salloc(32);

	arena = key - ((uintptr_t)key & (PAGE - 1));
	memset(key, 1, 32);
	ok(backend_test.mapped == 1 && backend_test.bytes == ARENA,
	   "a 32-byte key: one region of 64 MiB of addresses");
	ok(resident() == 1, "and one page of memory: %zu", resident());
	ok(!backend_test.handles, "and no open descriptor");
	sfree(key);
}

static void sharing(void)
{
	static char *blocks[MANY];
	bool within = true;
	size_t i;

	for (i = 0; i < MANY; i++) {
		blocks[i] = salloc(i % 97 * 21);
		memset(blocks[i], 1, i % 97 * 21);
		within &= (uintptr_t)blocks[i] / PAGE ==
			  ((uintptr_t)blocks[i] + ssize(blocks[i]) - 1) / PAGE;
	}
	ok(within, "no small block crosses a page");
	ok(resident() < MANY * 1008 / PAGE * 5 / 4,
	   "small blocks share pages: %zu pages for %zu KiB", resident(),
	   (size_t)MANY * 1008 / 1024);
	ok(backend_test.mapped == 1, "and still one region");
	for (i = 0; i < MANY; i++)
		sfree(blocks[i]);
	ok(resident() <= 64, "all freed: %zu pages are left", resident());
}

static void again_and_again(void)
{
	size_t opened = backend_test.opened;

	for (int i = 0; i < 1000; i++) {
		char *small = salloc(100), *span = salloc(60000);

		memset(span, 1, 60000);
		sfree(span);
		sfree(small);
	}
	ok(backend_test.opened == opened,
	   "a block taken and freed over and over needs no system call");
}

static void untouched(void)
{
	size_t before = resident();
	char *span = salloc(900000);

	span[500000] = 1;
	ok(resident() - before <= 1, "of a span, the pages that are touched cost");
	memset(span, 1, 900000);
	sfree(span);
	ok(resident() <= 64, "a long span is given back at once: %zu pages",
	   resident());
}

static void regions(void)
{
	size_t mapped = backend_test.mapped, bytes = backend_test.bytes;
	char *large = salloc(5 << 20);
	char *small = salloc(30);

	ok(backend_test.mapped == mapped + 1, "a large block is a region");
	sfree(large);
	ok(backend_test.bytes == bytes && backend_test.unmapped,
	   "and is unmapped when it is freed");
	large = saligned_alloc(1 << 25, 2 << 20);
	ok(backend_test.bytes == bytes + (2 << 20),
	   "what alignment wastes is unmapped");
	sfree(large);
	sfree(small);
}

/* Growing by a page at a time must not copy each time. */
static void growing(void)
{
	size_t moves = 0;
	char *block = salloc(PAGE), *next;

	for (size_t size = PAGE; size < 900000; size += PAGE) {
		next = srealloc(block, size);
		moves += next != block;
		block = next;
	}
	ok(moves < 60, "growing to 900 KB in 220 steps moves %zu times", moves);
	sfree(block);
}

/* More regions than the first table has room for, in no order. */
static void many_regions(void)
{
	static char *blocks[600];
	bool good = true;

	for (size_t i = 0; i < 600; i++) {
		blocks[i] = salloc((1 << 20) + i % 7 * 300000);
		*(size_t *)(void *)blocks[i] = i;
	}
	for (size_t i = 0; i < 600; i++) {
		size_t at = i * 7919 % 600;

		good &= *(size_t *)(void *)blocks[at] == at &&
			ssize(blocks[at]) >= (1 << 20) + at % 7 * 300000;
		sfree(blocks[at]);
	}
	ok(good, "600 regions at once");
	ok(backend_test.bytes == ARENA, "all but the arena are gone");
}

int main(void)
{
	one_key();
	sharing();
	again_and_again();
	untouched();
	regions();
	growing();
	many_regions();
	return tap_done();
}
