// SPDX-License-Identifier: GPL-2.0-only
#include "ram.h"

#include <stdlib.h>
#include <string.h>

#include "image.h"

#define PRESENT		((uint64_t)1 << 0)
#define WRITABLE	((uint64_t)1 << 1)
#define USER		((uint64_t)1 << 2)
#define LARGE		((uint64_t)1 << 7)
#define NO_EXECUTE	((uint64_t)1 << 63)
#define ADDRESS		((uint64_t)0x000ffffffffff000)

#define ENTRIES		512
#define HALF		256	/* from here on it is the kernel's */
#define LARGE_PAGES	512
#define PAGES_MAX	65536	/* of one process: 256 MiB, more than an agent has */

/* The pages of a process, by address */
struct pages {
	struct page { uint64_t va, pa; } *list;
	size_t count;
};

/**
 * ram_open() - map a dump
 * @ram: what to fill in
 * @path: the file
 *
 * Return: whether there is one.
 */
bool ram_open(struct ram *ram, const char *path)
{
	ram->data = map_file(path, &ram->size);
	return ram->data;
}

static const uint64_t *table_at(const struct ram *ram, uint64_t pa)
{
	if (pa > ram->size - PAGE)
		return NULL;
	return (const uint64_t *)(ram->data + pa);
}

static bool points_into(const struct ram *ram, uint64_t entry)
{
	return (entry & PRESENT) && (entry & ADDRESS) &&
	       (entry & ADDRESS) < ram->size;
}

/*
 * A top level table: what is present in it lies in memory and is a table, the
 * user's half has something that the user may reach, and there is a last entry,
 * where the kernel's own code is.
 */
static bool is_top(const struct ram *ram, const uint64_t *table)
{
	bool user = false;

	if (!points_into(ram, table[ENTRIES - 1]))
		return false;
	for (int i = 0; i < HALF; i++) {
		if (!table[i])
			continue;
		if (!points_into(ram, table[i]) || (table[i] & LARGE))
			return false;
		user |= !!(table[i] & USER);
	}
	return user;
}

/**
 * ram_next_table() - find what looks like a process's top page table
 * @ram: the dump
 * @from: physical address to begin at, page aligned
 *
 * Return: its physical address, or the dump's size if there is no more.
 */
size_t ram_next_table(const struct ram *ram, size_t from)
{
	for (size_t pa = from; pa + PAGE <= ram->size; pa += PAGE)
		if (is_top(ram, (const uint64_t *)(ram->data + pa)))
			return pa;
	return ram->size;
}

static bool keep(struct pages *pages, uint64_t va, uint64_t pa)
{
	if (pages->count == PAGES_MAX)
		return false;
	pages->list[pages->count++] = (struct page){ va, pa };
	return true;
}

/* Collects what a user may write to, level by level; false: far too much */
static bool walk(const struct ram *ram, uint64_t table_pa, int level,
		 uint64_t va, struct pages *pages, int end)
{
	const uint64_t *table = table_at(ram, table_pa);
	int shift = 12 + 9 * (level - 1);

	for (int i = 0; table && i < end; i++) {
		uint64_t entry = table[i], at = va | (uint64_t)i << shift;

		if (!points_into(ram, entry) || !(entry & USER))
			continue;
		if (level > 1 && !(entry & LARGE)) {
			if (!walk(ram, entry & ADDRESS, level - 1, at, pages, ENTRIES))
				return false;
			continue;
		}
		/* Code is not data; 1 GiB pages are nobody's heap. */
		if (!(entry & WRITABLE) || !(entry & NO_EXECUTE) || level > 2)
			continue;
		for (uint64_t n = 0; n < (level == 1 ? 1 : LARGE_PAGES); n++)
			if (!keep(pages, at + n * PAGE,
				  (entry & ADDRESS & ~((level == 1 ? 1 : LARGE_PAGES) * PAGE - 1)) +
				  n * PAGE))
				return false;
	}
	return true;
}

/* Pages side by side in address, wherever they are in memory, make a segment. */
static void assemble(const struct ram *ram, const struct pages *pages,
		     struct image *image)
{
	for (size_t i = 0, end; i < pages->count; i = end) {
		struct segment *s;

		for (end = i + 1; end < pages->count; end++)
			if (pages->list[end].va != pages->list[end - 1].va + PAGE)
				break;
		s = image_add(image, pages->list[i].va, (end - i) * PAGE);
		for (size_t k = i; k < end; k++)
			if (pages->list[k].pa <= ram->size - PAGE)
				memcpy(s->data + (k - i) * PAGE,
				       ram->data + pages->list[k].pa, PAGE);
	}
}

/**
 * ram_process() - a process's writable memory
 * @ram: the dump
 * @table: physical address of its top page table
 * @levels: of page tables: 4 or 5
 * @image: what to fill in
 *
 * Return: whether there is any, and not too much.
 */
bool ram_process(const struct ram *ram, size_t table, int levels,
		 struct image *image)
{
	struct pages pages = { calloc(PAGES_MAX, sizeof(struct page)), 0 };
	bool good;

	memset(image, 0, sizeof(*image));
	good = pages.list && walk(ram, table, levels, 0, &pages, HALF) && pages.count;
	if (good)
		assemble(ram, &pages, image);
	free(pages.list);
	return good;
}
