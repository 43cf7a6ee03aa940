// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pages.h"

#include <errno.h>
#include <string.h>

#include "backend.h"
#include "bits.h"
#include "die.h"
#include "meta.h"
#include "region.h"

/* 64 MiB at most, 64 KiB when the kernel would not give more. */
#define ARENA_PAGES	((size_t)16384)
#define ARENA_PAGES_MIN	((size_t)16)
/* One arena takes no more than this part of what the user may map. */
#define ARENA_SHARE	16
/* Wiping a span of up to this many pages is cheaper than a discard. */
#define WIPE_PAGES	16
/* Free pages that may go on occupying memory. */
#define STALE_PAGES	64

struct arena {
	struct arena *next;
	char *start;
	size_t pages;
	size_t free;		/* pages not taken */
	size_t hint;		/* no free page lies below this one */
	uint64_t taken[ARENA_PAGES / BITS_WORD];
	uint64_t stale[ARENA_PAGES / BITS_WORD];
	struct page page[ARENA_PAGES];
};

static struct arena *arenas;
static size_t stale_total;
static size_t purge_above = STALE_PAGES;

static size_t index_of(const struct page *page)
{
	return page - page->arena->page;
}

char *sl_pages_address(const struct page *page)
{
	return page->arena->start + index_of(page) * PAGE_BYTES;
}

/* The first page of a free run in @arena, or arena->pages. */
static size_t find_run(const struct arena *arena, size_t count, size_t align)
{
	size_t at = bits_next(arena->taken, arena->hint, arena->pages, false);
	size_t skew = ((uintptr_t)arena->start & (align - 1)) / PAGE_BYTES;
	size_t step = align / PAGE_BYTES;

	while (at < arena->pages) {
		size_t first = ((at + skew + step - 1) & ~(step - 1)) - skew;
		size_t end = first + count;

		if (end > arena->pages)
			break;
		at = bits_next(arena->taken, first, end, true);
		if (at == end)
			return first;
		at = bits_next(arena->taken, at, arena->pages, false);
	}
	return arena->pages;
}

struct page *sl_pages_take(size_t count, size_t align, enum page_kind kind)
{
	struct arena *arena;
	struct page *page;
	size_t first;

	for (arena = arenas; arena; arena = arena->next) {
		if (arena->free < count)
			continue;
		first = find_run(arena, count, align);
		if (first < arena->pages)
			break;
	}
	if (!arena)
		return NULL;
	bits_fill(arena->taken, first, count, true);
	stale_total -= bits_fill(arena->stale, first, count, false);
	arena->free -= count;
	if (count == 1 && align == PAGE_BYTES)
		arena->hint = first + 1;
	page = &arena->page[first];
	*page = (struct page){ .arena = arena, .kind = kind };
	return page;
}

/* How many pages an arena should have, going by the user's limit. */
static size_t best_size(void)
{
	struct sl_backend_limits limits;
	size_t pages = ARENA_PAGES;
	int handle = sl_backend_open();

	if (handle < 0)
		return pages;
	if (!sl_backend_limits(handle, &limits)) {
		while (pages > ARENA_PAGES_MIN &&
		       pages > limits.max_pages / ARENA_SHARE)
			pages /= 2;
	}
	sl_backend_close(handle);
	return pages;
}

/* A smaller mapping may do. EAGAIN: over RLIMIT_MEMLOCK, after mlockall(). */
static bool too_much(int err)
{
	return err == -ENOMEM || err == -EDQUOT || err == -EAGAIN;
}

int sl_pages_grow(size_t count, size_t align)
{
	size_t least = count + align / PAGE_BYTES - 1;
	size_t pages = best_size();
	struct arena *arena;
	struct region *region;
	int err;

	if (least > ARENA_PAGES)
		return -ENOMEM;
	if (least < ARENA_PAGES_MIN)
		least = ARENA_PAGES_MIN;
	arena = sl_meta_map(sizeof(*arena));
	if (!arena)
		return -ENOMEM;
	do {
		if (pages < least)
			pages = least;
		err = sl_region_create(pages * PAGE_BYTES, PAGE_BYTES, &region);
		if (!err) {
			arena->start = region->start;
			arena->pages = pages;
			arena->free = pages;
			arena->next = arenas;
			arenas = arena;
			region->arena = arena;
			return 0;
		}
		pages /= 2;
	} while (too_much(err) && pages * 2 > least);
	sl_meta_unmap(arena, sizeof(*arena));
	return err;
}

static int purge_arena(struct arena *arena, int handle)
{
	size_t first = 0, end;
	int err;

	for (;;) {
		first = bits_next(arena->stale, first, arena->pages, true);
		if (first == arena->pages)
			return 0;
		end = bits_next(arena->stale, first, arena->pages, false);
		err = sl_backend_discard(handle,
					 arena->start + first * PAGE_BYTES,
					 (end - first) * PAGE_BYTES);
		if (err)
			return err;
		stale_total -= bits_fill(arena->stale, first, end - first,
					 false);
		first = end;
	}
}

/*
 * Gives the stale pages back. They hold nothing: so it does no harm when the
 * device cannot be opened any more, and the next try is put off.
 */
static void purge(void)
{
	struct arena *arena;
	int handle = sl_backend_open();

	if (handle >= 0) {
		for (arena = arenas; arena; arena = arena->next)
			if (purge_arena(arena, handle))
				break;
		sl_backend_close(handle);
	}
	purge_above = stale_total + STALE_PAGES;
}

static void give_back(struct page *page, size_t count, bool stale)
{
	struct arena *arena = page->arena;
	size_t first = index_of(page);

	bits_fill(arena->taken, first, count, false);
	page->kind = PAGE_FREED;
	arena->free += count;
	if (arena->hint > first)
		arena->hint = first;
	if (!stale)
		return;
	stale_total += bits_fill(arena->stale, first, count, true);
	if (stale_total > purge_above)
		purge();
}

void sl_pages_free_zero(struct page *page)
{
	give_back(page, 1, true);
}

static int discard(void *start, size_t length)
{
	int handle = sl_backend_open();
	int err;

	if (handle < 0)
		return handle;
	err = sl_backend_discard(handle, start, length);
	sl_backend_close(handle);
	return err;
}

size_t sl_pages_span_bytes(const struct page *page)
{
	const struct arena *arena = page->arena;
	size_t first = index_of(page), end = first + page->count;

	if (!page->count || end > arena->pages ||
	    bits_next(arena->taken, first, end, false) != end)
		sl_die(NULL, "corrupted record of", sl_pages_address(page));
	return page->count * PAGE_BYTES;
}

void sl_pages_free_span(struct page *page)
{
	char *start = sl_pages_address(page);
	size_t length = sl_pages_span_bytes(page);
	bool wiped = page->count > WIPE_PAGES && !discard(start, length);

	if (!wiped)
		explicit_bzero(start, length);
	give_back(page, page->count, !wiped);
}

struct page *sl_pages_find(struct arena *arena, const void *ptr, bool *taken)
{
	size_t at = ((uintptr_t)ptr - (uintptr_t)arena->start) / PAGE_BYTES;
	struct page *page = &arena->page[at];

	*taken = arena->taken[at / BITS_WORD] >> at % BITS_WORD & 1;
	if (page->kind == PAGE_NEVER)
		return NULL;
	if (page->arena != arena || (!*taken && page->kind != PAGE_FREED))
		sl_die(NULL, "corrupted record of", ptr);
	return page;
}

void sl_pages_forget(struct arena *arena)
{
	struct arena **at = &arenas;

	while (*at && *at != arena)
		at = &(*at)->next;
	if (*at)
		*at = arena->next;
	stale_total -= bits_fill(arena->stale, 0, arena->pages, false);
}
