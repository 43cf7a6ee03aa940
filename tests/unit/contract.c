// SPDX-License-Identifier: LGPL-2.1-or-later
/* What salloc.h promises to a single thread when all goes well, and its errors. */
#include <errno.h>
#include <salloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend_test.h"
#include "tap.h"

/* Every place where the allocator changes its ways has its sizes here. */
static const size_t edges[] = {
	1, 15, 16, 17, 32, 48, 255, 256, 257, 272, 816, 817, 1024, 1025, 1360,
	2047, 2048, 2049, 4095, 4096, 4097, 8192, 65535, 65536, 65537, 69632,
	(1 << 20) - 65537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20,
	(64 << 20) - 1, (64 << 20) + 1,
};
#define EDGES	(sizeof(edges) / sizeof(*edges))

/* Too large a size, in a way that the compiler does not see and warn of. */
static volatile size_t huge = SIZE_MAX;

static void sizes(void)
{
	bool got = true, usable = true, aligned = true, zero = true;
	bool modest = true;

	for (size_t i = 0; i < EDGES; i++) {
		size_t size = edges[i];
		char *block = scalloc(1, size);

		got &= block != NULL;
		if (!block)
			continue;
		aligned &= (uintptr_t)block % 16 == 0;
		usable &= ssize(block) >= size;
		modest &= ssize(block) <= (size <= 2048 ? size * 3 / 2 + 16 :
						size + size / 8 + 4095);
		zero &= tap_is_filled(block, 0, ssize(block));
		memset(block, 0x5a, ssize(block));
		sfree(block);
	}
	ok(got, "every size is had");
	ok(aligned, "every block is aligned to 16");
	ok(usable, "ssize is at least the size asked for");
	ok(modest, "ssize is not much more than the size asked for");
	ok(zero, "scalloc: zero, all of ssize");
}

static void small_things(void)
{
	void *first = salloc(0), *second = salloc(0), *third;

	ok(first && second && first != second, "salloc(0): blocks of their own");
	ok(ssize(first) >= 1, "salloc(0): a byte can be used");
	sfree(first);
	sfree(second);
	first = scalloc(0, 8);
	second = scalloc(8, 0);
	ok(first && second && first != second, "scalloc(0): blocks of their own");
	sfree(first);
	sfree(second);
	ok(ssize(NULL) == 0, "ssize(NULL) is 0");
	errno = 77;
	sfree(NULL);
	first = salloc(1);
	second = salloc(2000000);
	third = salloc(100000);
	errno = 77;
	sfree(first);
	sfree(second);
	backend_test.open_error = EMFILE;
	sfree(third);
	backend_test.open_error = 0;
	ok(errno == 77, "sfree leaves errno alone");
	third = srealloc(NULL, 40);
	ok(third && ssize(third) >= 40, "srealloc(NULL, n) is salloc(n)");
	sfree(third);
	ok(!strcmp(salloc_version(), SALLOC_VERSION), "salloc_version");
}

static bool refused(void *block, int error)
{
	bool right = !block && errno == error;

	errno = 0;
	return right;
}

static void errors(void)
{
	void *block = salloc(100);

	memset(block, 7, 100);
	errno = 0;
	ok(refused(salloc(huge), ENOMEM), "salloc(SIZE_MAX): ENOMEM");
	ok(refused(salloc(huge / 2 + 1), ENOMEM),
	   "salloc(PTRDIFF_MAX + 1): ENOMEM");
	ok(refused(salloc(huge / 2), ENOMEM), "salloc(PTRDIFF_MAX): ENOMEM");
	ok(refused(scalloc(huge / 2, 3), ENOMEM), "scalloc: overflow is ENOMEM");
	ok(refused(scalloc(huge / 16 + 2, 16), ENOMEM),
	   "scalloc: overflow to a small number is ENOMEM");
	ok(refused(srealloc(block, huge), ENOMEM), "srealloc: ENOMEM");
	ok(refused(saligned_alloc(0, 1), EINVAL), "alignment 0: EINVAL");
	ok(refused(saligned_alloc(24, 1), EINVAL), "alignment 24: EINVAL");
	ok(refused(saligned_alloc(huge, 1), EINVAL), "alignment SIZE_MAX: EINVAL");
	ok(refused(saligned_alloc(huge / 2 + 1, 1), ENOMEM),
	   "alignment 2^63: ENOMEM");
	ok(refused(saligned_alloc(64, huge - 8), ENOMEM),
	   "aligned, size SIZE_MAX - 8: ENOMEM");
	ok(tap_is_filled(block, 7, 100), "after an error the block is untouched");
	sfree(block);
}

static void alignments(void)
{
	static void *blocks[26 * EDGES];
	bool right = true, zero = true, apart = true;
	size_t count = 0;

	for (int shift = 0; shift < 25; shift++) {
		for (size_t i = 0; i < EDGES; i++) {
			size_t align = (size_t)1 << shift;
			char *block = saligned_alloc(align, edges[i]);

			right &= block && (uintptr_t)block % align == 0 &&
				 ssize(block) >= edges[i];
			if (!block)
				continue;
			zero &= tap_is_filled(block, 0, edges[i] & 0xffff);
			*(void **)block = block;
			if (edges[i] > 1 << 20 || !(i % 3))
				sfree(block);
			else
				blocks[count++] = block;
		}
	}
	while (count) {
		void *block = blocks[--count];

		apart &= *(void **)block == block;
		sfree(block);
	}
	ok(right, "saligned_alloc: aligned to 1 .. 2^24 bytes, any size");
	ok(zero, "aligned blocks begin as zero");
	ok(apart, "aligned blocks do not overlap");
}

static void resizing(void)
{
	bool kept = true, usable = true;
	char *block;

	for (size_t from = 0; from < EDGES; from++) {
		for (size_t to = 0; to < EDGES; to++) {
			size_t least = edges[from] < edges[to] ? edges[from] :
								 edges[to];

			if (edges[from] + edges[to] > 4 << 20)
				continue;
			block = salloc(edges[from]);
			memset(block, 0xa5, edges[from]);
			block = srealloc(block, edges[to]);
			usable &= ssize(block) >= edges[to];
			kept &= tap_is_filled(block, 0xa5, least);
			memset(block, 0x11, ssize(block));
			sfree(block);
		}
	}
	ok(usable, "srealloc: the new size is had, from every size to every size");
	ok(kept, "srealloc: contents are kept");
	block = salloc(1000);
	block = srealloc(block, 0);
	ok(block && ssize(block) < 1000, "srealloc(p, 0) leaves a block");
	sfree(block);
}

/* Arenas are mapped to the end of the process: what was there can be read. */
static void wiping(void)
{
	static const size_t tried[] = { 1, 100, 2048, 4096, 50000, 65536, 65537,
					900000 };
	bool freed = true, moved = true;
	char *block, *elsewhere;

	for (size_t i = 0; i < sizeof(tried) / sizeof(*tried); i++) {
		size_t size = tried[i];

		block = salloc(size);
		size = ssize(block);
		memset(block, 0xee, size);
		sfree(block);
		freed &= tap_is_filled(block, 0, size);
		block = salloc(size);
		memset(block, 0xee, size);
		elsewhere = srealloc(block, size * 2 + 1);
		moved &= elsewhere != block && tap_is_filled(block, 0, size);
		sfree(elsewhere);
	}
	ok(freed, "memory is zero after sfree");
	ok(moved, "memory is zero where srealloc moved it away from");
}

int main(void)
{
	sizes();
	small_things();
	errors();
	alignments();
	resizing();
	wiping();
	return tap_done();
}
