// SPDX-License-Identifier: GPL-2.0-only
#include "blocks.h"

#include <salloc.h>
#include <stdint.h>
#include <string.h>

#include "pool.h"

#define PAGE		((size_t)4096)
#define PART		((size_t)64)
#define SIZE_SHARING	((size_t)2048)

struct model model;

void check(bool good, const char *what)
{
	if (!good)
		pool_wrong(what);
}

void each_part(const struct entry *entry, size_t size, visit_fn *visit)
{
	const size_t whole = 2 * PAGE;
	size_t step = PAGE;

	visit(entry, 0, size < whole ? size : whole);
	for (size_t at = whole; at + PART < size; at += step) {
		visit(entry, at, PART);
		if (at >= 4 * PAGE)
			step = at;
	}
}

void every_part(const struct entry *entry, visit_fn *visit)
{
	each_part(entry, entry->usable, visit);
	if (entry->usable >= PART)
		visit(entry, entry->usable - PART, PART);
}

static void paint(const struct entry *entry, size_t from, size_t count)
{
	memset(entry->block + from, entry->fill, count);
	model.work += 1 + count / PAGE;
}

static bool is_filled(const unsigned char *at, unsigned char byte, size_t count)
{
	return !count || (*at == byte && !memcmp(at, at + 1, count - 1));
}

void verify(const struct entry *entry, size_t from, size_t count)
{
	check(is_filled(entry->block + from, entry->fill, count),
	      "a block lost what was in it");
}

void verify_zero(const struct entry *entry, size_t from, size_t count)
{
	check(is_filled(entry->block + from, 0, count), "memory is not zero");
}

void verify_wiped(const struct entry *entry)
{
	if (pool_holds(entry->block, entry->usable))
		every_part(entry, verify_zero);
	model.graves[model.buried++ % GRAVES] = entry->block;
}

static void verify_apart(const struct entry *entry)
{
	for (size_t i = 0; i < model.count; i++) {
		const struct entry *other = &model.entries[i];

		check((uintptr_t)entry->block + entry->usable <=
				      (uintptr_t)other->block ||
			      (uintptr_t)other->block + other->usable <=
				      (uintptr_t)entry->block,
		      "two blocks overlap");
	}
}

void adopt(struct entry *entry, size_t align)
{
	uintptr_t first = (uintptr_t)entry->block;

	check(entry->usable >= entry->size, "ssize is too small");
	check(first % align == 0, "a block is not aligned");
	check(pool_holds(entry->block, entry->usable),
	      "a block is not in a region");
	if (entry->size <= SIZE_SHARING && entry->size)
		check(first / PAGE == (first + entry->size - 1) / PAGE,
		      "a small block crosses a page");
	verify_apart(entry);
	entry->fill = model.fill = model.fill % 255 + 1;
	every_part(entry, paint);
	model.allocated += entry->usable;
	model.entries[model.count++] = *entry;
}

struct entry forget(size_t at)
{
	struct entry entry = model.entries[at];

	every_part(&entry, verify);
	check(ssize(entry.block) == entry.usable, "ssize changed");
	model.entries[at] = model.entries[--model.count];
	model.allocated -= entry.usable;
	return entry;
}
