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

#endif
