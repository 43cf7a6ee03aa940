/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pages: runs of pages out of arenas.
 *
 * An arena is one large, sparse region: address space that costs nothing until
 * it is touched. Programs may shut themselves off from /dev/cryptmem later on,
 * so it is taken early and taken big. All pages that are free read as zero.
 * Free pages that still occupy memory are "stale"; when there are too many, all
 * are given back to the kernel at once.
 *
 * The heap's lock is held in all functions.
 */
#ifndef SL_PAGES_H
#define SL_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page.h"

enum page_kind {
	PAGE_NEVER,	/* never began a run */
	PAGE_SLAB,	/* slots of one size */
	PAGE_SPAN,	/* first page of a block */
	PAGE_FREED,	/* began a run once */
};

/*
 * What is known about a page. Only the first page of a run has a record in use:
 * one that follows it has another kind, or none, and its bit in the arena says
 * that it is taken.
 */
struct page {
	struct arena *arena;
	struct page *next, *previous;	/* slab.c: slabs with a free slot */
	uint64_t taken[4];		/* slab.c: slots in use */
	uint8_t kind;			/* enum page_kind */
	uint8_t cursor;			/* slab.c: where to look next */
	uint16_t slots;			/* slab.c: slots in the page */
	uint32_t count;			/* slots in use, or pages in the span */
};

/*
 * Takes @count pages in a row, at a multiple of @align bytes, from the arenas
 * that exist. Returns the record of the first, its kind set to @kind and the
 * rest of it cleared; or NULL when there is no such run.
 */
struct page *sl_pages_take(size_t count, size_t align, enum page_kind kind);
/* Makes an arena with room for that. Returns 0 or a negative errno. */
int sl_pages_grow(size_t count, size_t align);

/* How long a span is, having checked that this can be true. */
size_t sl_pages_span_bytes(const struct page *page);
/* Wipes a span and gives its pages back. */
void sl_pages_free_span(struct page *page);
/* Gives a page back whose content is zero already. */
void sl_pages_free_zero(struct page *page);

/*
 * The record of the page of @arena that @ptr points into, or NULL if that page
 * neither begins a run nor did so before it was freed. *@taken says whether it
 * is part of a run now.
 */
struct page *sl_pages_find(struct arena *arena, const void *ptr, bool *taken);
char *sl_pages_address(const struct page *page);

/* Takes no more pages from it: they are lost (forked.h). */
void sl_pages_forget(struct arena *arena);

#endif
