/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * meta: memory for the allocator's own records.
 *
 * It is ordinary memory, apart from the regions: no overflow of a block reaches
 * it, and looking a block up does not touch (and so unseal) protected pages.
 * A foreign process that writes to it gets the whole domain locked by the
 * kernel first. An inaccessible page lies on either side of each mapping.
 */
#ifndef SL_META_H
#define SL_META_H

#include <stddef.h>

/* Zeroed memory, or NULL with errno set. Costs only the pages that are used. */
void *sl_meta_map(size_t length);
void sl_meta_unmap(void *meta, size_t length);

/*
 * A table of @count elements of @size bytes, with room for one more: @table
 * itself, or a larger one in its place. *@capacity is how many it has room for,
 * 0 when there is none yet, and @first what that becomes then. NULL when there
 * is no memory; the old one is as it was.
 */
void *sl_meta_grow(void *table, size_t count, size_t *capacity, size_t size,
		   size_t first);

#endif
