// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slab.h"

#include <stdnoreturn.h>
#include <string.h>

#include "bits.h"
#include "die.h"

#define SLOTS_MAX	(PAGE_BYTES / SLAB_ALIGN)
/*
 * Slots up to this size are searched for writes after free: this much can be
 * compared in the time that the rest of an allocation takes.
 */
#define VERIFY_BYTES	1024

/* Per class, the slabs that have both free and taken slots. */
static struct page *partial[SLOTS_MAX + 1];

/*
 * Slots of 16, 32, 48, 64, 96, 128, 192, 256, 400, 512, 816, 1024, 1360 and
 * 2048 bytes. With a class for each way to cut a page, 30 of them, programs took
 * up to 30 % more page faults: each class in use has a page that is part full.
 */
static const unsigned short classes[] = {
	256, 128, 85, 64, 42, 32, 21, 16, 10, 8, 5, 4, 3, 2,
};

unsigned int sl_slab_class(size_t size)
{
	size_t i = 0;

	while (sl_slab_bytes(classes[i]) < size)
		i++;
	return classes[i];
}

size_t sl_slab_bytes(unsigned int slots)
{
	return PAGE_BYTES / slots & ~(SLAB_ALIGN - 1);
}

static noreturn void corrupted(const struct page *page)
{
	sl_die(NULL, "corrupted record of", sl_pages_address(page));
}

static void link_slab(struct page *page)
{
	struct page **head = &partial[page->slots];

	page->previous = NULL;
	page->next = *head;
	if (*head)
		(*head)->previous = page;
	*head = page;
}

static void unlink_slab(struct page *page)
{
	if ((page->previous ? page->previous->next : partial[page->slots]) != page ||
	    (page->next && page->next->previous != page))
		corrupted(page);
	if (page->previous)
		page->previous->next = page->next;
	else
		partial[page->slots] = page->next;
	if (page->next)
		page->next->previous = page->previous;
}

void sl_slab_forget(const struct arena *arena)
{
	struct page *page, *next;

	for (size_t slots = 0; slots <= SLOTS_MAX; slots++) {
		for (page = partial[slots]; page; page = next) {
			next = page->next;
			if (page->arena == arena)
				unlink_slab(page);
		}
	}
}

/*
 * The first free slot behind the one handed out last: so a slot rests as long
 * as the page allows before it is used again.
 */
static unsigned int free_slot(const struct page *page)
{
	size_t slot = bits_next(page->taken, page->cursor, page->slots, false);

	if (slot == page->slots)
		slot = bits_next(page->taken, 0, page->cursor, false);
	return slot;
}

static void verify_zero(const void *slot, size_t bytes)
{
	const uint64_t *word = slot;
	const uint64_t *end = word + bytes / sizeof(*word);
	uint64_t seen = 0;

	for (; word < end; word++)
		seen |= *word;
	if (seen)
		sl_die(NULL, "write after free in block", slot);
}

void *sl_slab_take(unsigned int slots)
{
	struct page *page = partial[slots];
	size_t bytes = sl_slab_bytes(slots);
	unsigned int slot;
	char *start;

	if (!page) {
		page = sl_pages_take(1, PAGE_BYTES, PAGE_SLAB);
		if (!page)
			return NULL;
		page->slots = slots;
		link_slab(page);
	}
	if (page->kind != PAGE_SLAB || page->slots != slots ||
	    page->count >= slots || page->cursor >= slots)
		corrupted(page);
	slot = free_slot(page);
	if (!bits_fill(page->taken, slot, 1, true))
		corrupted(page);
	page->cursor = (slot + 1) % slots;
	if (++page->count == slots)
		unlink_slab(page);
	start = sl_pages_address(page) + slot * bytes;
	if (bytes <= VERIFY_BYTES)
		verify_zero(start, bytes);
	return start;
}

int sl_slab_slot(const struct page *page, const void *ptr)
{
	size_t offset = (uintptr_t)ptr & (PAGE_BYTES - 1);
	size_t bytes;

	if (page->slots < 2 || page->slots > SLOTS_MAX)
		corrupted(page);
	bytes = sl_slab_bytes(page->slots);
	if (offset % bytes || offset / bytes >= page->slots)
		return -1;
	return offset / bytes;
}

int sl_slab_is_taken(const struct page *page, unsigned int slot)
{
	return page->taken[slot / BITS_WORD] >> slot % BITS_WORD & 1;
}

void sl_slab_give(struct page *page, unsigned int slot)
{
	size_t bytes = sl_slab_bytes(page->slots);

	explicit_bzero(sl_pages_address(page) + slot * bytes, bytes);
	if (!page->count || !bits_fill(page->taken, slot, 1, false))
		corrupted(page);
	if (page->count-- == page->slots)
		link_slab(page);
	if (!page->count) {
		unlink_slab(page);
		sl_pages_free_zero(page);
	}
}
