// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random calls, checked against a model that knows what every block must hold.
 * `model SEED` runs one seed; without it, seeds 1 to 8.
 */
#include <salloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define BLOCKS		3000
#define SIZE_BITS	22
#define LARGE		((size_t)1 << 20)

struct entry {
	unsigned char *block;
	size_t size, usable;
	unsigned char fill;
};

static struct entry entries[BLOCKS];
static size_t allocated;
static struct tap_random rng;
static const char *wrong;

static void check(bool good, const char *what)
{
	if (!good && !wrong)
		wrong = what;
}

/* Small sizes mostly, but every power of two has its share. */
static size_t random_size(void)
{
	size_t bits = tap_random(&rng, SIZE_BITS);

	if (tap_random(&rng, 4))
		bits %= 12;
	return tap_random(&rng, ((size_t)1 << bits) + 1);
}

/* The first bytes are all written and checked; then the first of each page. */
static void each_part(struct entry *entry, size_t size,
		      void (*visit)(struct entry *, size_t from, size_t count))
{
	visit(entry, 0, size < 8192 ? size : 8192);
	for (size_t at = 8192; at + 64 < size; at += 4096)
		visit(entry, at, 64);
}

static void paint(struct entry *entry, size_t from, size_t count)
{
	memset(entry->block + from, entry->fill, count);
}

static void verify(struct entry *entry, size_t from, size_t count)
{
	check(tap_is_filled(entry->block + from, entry->fill, count),
	      "a block lost what was in it");
}

static void verify_zero(struct entry *entry, size_t from, size_t count)
{
	check(tap_is_filled(entry->block + from, 0, count),
	      "memory was not zero");
}

static void adopt(struct entry *entry, void *block, size_t size)
{
	entry->block = block;
	entry->size = size;
	entry->usable = ssize(block);
	entry->fill = 1 + tap_random(&rng, 255);
	allocated += entry->usable;
	check(entry->usable >= size, "ssize is too small");
	check((uintptr_t)block % 16 == 0, "a block is not aligned");
	each_part(entry, entry->usable, paint);
}

static void take(struct entry *entry)
{
	size_t size = random_size();
	size_t align = (size_t)1 << tap_random(&rng, 15);
	void *block;

	switch (tap_random(&rng, 3)) {
	case 0:
		block = salloc(size);
		break;
	case 1:
		block = scalloc(size, 1);
		entry->block = block;
		each_part(entry, size, verify_zero);
		break;
	default:
		block = saligned_alloc(align, size);
		check((uintptr_t)block % align == 0, "a block is not aligned");
	}
	check(block != NULL, "an allocation failed");
	adopt(entry, block, size);
}

static void give(struct entry *entry)
{
	each_part(entry, entry->usable, verify);
	check(ssize(entry->block) == entry->usable, "ssize changed");
	allocated -= entry->usable;
	sfree(entry->block);
	if (entry->usable < LARGE)
		each_part(entry, entry->usable, verify_zero);
	entry->block = NULL;
}

static void resize(struct entry *entry)
{
	size_t size = random_size();
	struct entry old = *entry;
	size_t kept = size < old.size ? size : old.size;

	each_part(entry, entry->usable, verify);
	allocated -= old.usable;
	entry->block = srealloc(old.block, size);
	each_part(entry, kept, verify);
	if (entry->block != old.block && old.usable < LARGE)
		each_part(&old, old.usable, verify_zero);
	adopt(entry, entry->block, size);
}

static bool run(unsigned long seed, unsigned long rounds)
{
	struct salloc_status status = { .size = sizeof(status) };

	rng.state = seed;
	wrong = NULL;
	while (rounds-- && !wrong) {
		/* Seasons of growth and of decline. */
		bool growing = rounds / 4000 % 2;
		struct entry *entry = &entries[tap_random(&rng, BLOCKS)];

		if (!entry->block) {
			if (growing || !tap_random(&rng, 4))
				take(entry);
		} else if (!tap_random(&rng, 3)) {
			resize(entry);
		} else if (!growing || !tap_random(&rng, 4)) {
			give(entry);
		}
	}
	check(!salloc_status(&status) && status.allocated == allocated,
	      "the sum of ssize is not what salloc_status says");
	for (size_t i = 0; i < BLOCKS && !wrong; i++)
		if (entries[i].block)
			give(&entries[i]);
	check(!salloc_status(&status) && !status.allocated,
	      "something is left when all is freed");
	return ok(!wrong, "seed %lu: %s", seed, wrong ? wrong : "as the model");
}

int main(int argc, char **argv)
{
	unsigned long rounds = tap_rounds(40000);

	if (argc > 1)
		run(strtoul(argv[1], NULL, 10), rounds);
	else
		for (unsigned long seed = 1; seed <= 8; seed++)
			if (!run(seed, rounds))
				break;
	return tap_done();
}
