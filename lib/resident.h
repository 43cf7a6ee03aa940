/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * resident: of a range, the pages that have memory, as mincore() says. Regions
 * are mostly addresses: to touch the rest would fill them.
 *
 * The range is whole pages, mapped readable, and for wiping writable. Takes no
 * lock, allocates nothing.
 */
#ifndef SL_RESIDENT_H
#define SL_RESIDENT_H

#include <stddef.h>

size_t sl_resident_bytes(void *start, size_t length);
void sl_resident_wipe(void *start, size_t length);

#endif
