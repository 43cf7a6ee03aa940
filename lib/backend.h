/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend: where regions come from.
 *
 * backend.c, the only one in the shipped libraries, is /dev/cryptmem. The unit
 * tests link another one in its place, which needs no module and can be told
 * to fail. Nothing chooses between them at run time.
 *
 * A handle is good for a few calls and is then closed. It is never kept: the
 * kernel binds it to the address space that opened it, so it would be of no use
 * after a fork; and programs close descriptors that they do not know.
 *
 * Functions return 0 (or a handle) or a negative errno. None is a cancellation
 * point, none allocates, all may be called by several threads at once.
 */
#ifndef SL_BACKEND_H
#define SL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maps.h"

struct sl_backend_limits {
	uint64_t max_pages;	/* that one user may map */
};

struct sl_backend_state {
	uint32_t state;		/* SALLOC_STATE_*, from READY on */
	uint64_t used_pages;
};

/* -ENOSYS: nothing there that could protect anything. */
int sl_backend_open(void);
void sl_backend_close(int handle);

int sl_backend_limits(int handle, struct sl_backend_limits *limits);
int sl_backend_state(int handle, struct sl_backend_state *state);
/*
 * Sets SALLOC_GUARD_* for this process: as long as it has a region, or @handle.
 * -ENOTSUP: the module has nothing of the kind.
 */
int sl_backend_guard(int handle, unsigned int flags);

/* A new region of @length bytes, whole pages, all zero. */
int sl_backend_map(int handle, size_t length, void **start);
/* Whether a mapping of this process's is, as it looks, a region or a part of one. */
bool sl_backend_is_region(const struct sl_map *map);
/* The range reads as zero afterwards and costs nothing. */
int sl_backend_discard(int handle, void *start, size_t length);
/* The range is gone. It may be part of a region. */
int sl_backend_unmap(void *start, size_t length);

#endif
