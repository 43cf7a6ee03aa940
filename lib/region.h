/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * region: the regions of this process, to be found by address.
 *
 * A region is either an arena, which pages.c parcels out, or one block.
 * Whether a pointer is ours is answered here and nowhere else.
 *
 * The heap's lock is held in all functions.
 */
#ifndef SL_REGION_H
#define SL_REGION_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct region {
	char *start;
	size_t length;
	struct arena *arena;	/* NULL: one large block */
	char *block;		/* of a block, where it begins */
	size_t size;		/* and its bytes */
	size_t guard;		/* bytes at both ends that nobody may touch (guarded.h) */
	int access;		/* PROT_*, to the rest; or: */
#define SL_LOST	(-1)		/* a child could not be given what was there (forked.h) */
};

/*
 * Makes a region of @length bytes, whole pages, at a multiple of @align, which
 * is a power of two and at least a page. Returns 0 or a negative errno.
 * *@region is good until the next create or destroy.
 */
int sl_region_create(size_t length, size_t align, struct region **region);
void sl_region_destroy(struct region *region);
/*
 * A region of @length bytes that is in no table: whose it is, its maker knows.
 * Guarded as was asked for. Returns 0 or a negative errno.
 */
int sl_region_map(size_t length, void **start);
/* The same, for a stack. */
int sl_region_map_stack(size_t length, void **start);
/*
 * Sets SALLOC_GUARD_*, now and for regions to come; what is not mentioned stays
 * as it is. Returns 0 or a negative errno, and has changed nothing then.
 */
int sl_region_guard(unsigned int flags);

/* The region that @ptr points into, or NULL. */
struct region *sl_region_find(const void *ptr);
/* Whether any of them has a byte of that range. */
bool sl_region_overlaps(const void *start, size_t length);

/*
 * Has nobody touch a page of a region any more: in its place, not beside it, so
 * that nothing else gets in between. Returns 0 or a negative errno.
 */
int sl_region_forbid(void *page);

/* Told of memory that is in regions: whole pages, and PROT_* of them, or SL_LOST. */
typedef void sl_visitor(void *start, size_t length, int access, void *arg);

/* Calls @look for each of those that are in the table, but for what nobody may touch. */
void sl_region_visit(sl_visitor *look, void *arg);
/* Says what may be done with it: PROT_*. Returns 0 or a negative errno; -ENOMEM: it is lost. */
int sl_region_access(struct region *region, int access);

/* Whether the process has any: these, in place (inplace.h), or for a stack (stack.h). */
bool sl_region_any(void);
/* Bytes of address space in all regions. */
size_t sl_region_mapped(void);

#endif
