/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* page: the grain of everything here. The module must use the same. */
#ifndef SL_PAGE_H
#define SL_PAGE_H

#include <stddef.h>

#define PAGE_BYTES	((size_t)4096)

/* Bytes, rounded up to whole pages: 0 when there are none, or too many. */
static inline size_t whole_pages(size_t length)
{
	return (length + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

#endif
