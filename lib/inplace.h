/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inplace: memory that is there already, made a region where it is, and back.
 *
 * The new mapping is made elsewhere and moved into the place of the old one
 * when it holds the same. Nobody else may use the range meanwhile: what other
 * threads write to it then may be lost, and they may read zeros.
 *
 * The heap's lock is held in all functions but the first.
 */
#ifndef SL_INPLACE_H
#define SL_INPLACE_H

#include <stddef.h>

#include "region.h"

/* -EINVAL: @start is not a page's, @length is 0 or no whole pages, or the range wraps. Takes no lock. */
int sl_inplace_check(const char *start, size_t length);

/*
 * Whole pages that are private, readable and writable, from @start on. Those
 * which are regions already stay so. Where the contents were is wiped.
 * Returns 0 or a negative errno, and has changed nothing then:
 *	EINVAL	see above
 *	ENOMEM	no memory; or a part of the range is not mapped
 *	EACCES	a part of it cannot be read and written, or executed
 *	ENOTSUP	a part of it is a shared mapping, or the stack of the main
 *		thread, or near the frame of the caller; or it is partly in a
 *		block
 *	those of sl_maps_walk() and sl_region_map()
 */
int sl_inplace_protect(char *start, size_t length);

/*
 * Makes ordinary memory of what sl_inplace_protect() made a region of.
 * EINVAL: see there; or a part of the range is nothing of the kind.
 */
int sl_inplace_unprotect(char *start, size_t length);

/*
 * Calls @look for each part that is there still. Returns 0 or the negative errno
 * with which /proc cannot be asked.
 */
int sl_inplace_visit(sl_visitor *look, void *arg);

/* There is another region now. -ENOMEM: no room to remember the rest. */
int sl_inplace_forget(const void *start, size_t length);

/* Ranges that are protected so, unless they have been unmapped since. */
size_t sl_inplace_count(void);

#endif
