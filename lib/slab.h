/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * slab: small blocks. A slab is one page cut into slots of one size; a size
 * class is named by how many slots it has in a page. Free slots are zero, and
 * this is verified before one is handed out again.
 *
 * The heap's lock is held in all functions.
 */
#ifndef SL_SLAB_H
#define SL_SLAB_H

#include <stddef.h>

#include "pages.h"

#define SLAB_ALIGN	((size_t)16)
/* The largest size that is worth sharing a page for. */
#define SLAB_BYTES_MAX	(PAGE_BYTES / 2)

/* The class for blocks of @size bytes, 1 to SLAB_BYTES_MAX. */
unsigned int sl_slab_class(size_t size);
/* How many bytes a slot of this class has. */
size_t sl_slab_bytes(unsigned int slots);

/* A zeroed slot, or NULL when there is no page to be had. */
void *sl_slab_take(unsigned int slots);
/* The slot in @page that begins at @ptr, or -1 when none does. */
int sl_slab_slot(const struct page *page, const void *ptr);
int sl_slab_is_taken(const struct page *page, unsigned int slot);
/* Takes no more slots from its pages. */
void sl_slab_forget(const struct arena *arena);
/* Wipes a slot and gives it back. */
void sl_slab_give(struct page *page, unsigned int slot);

#endif
