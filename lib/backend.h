/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend: where regions come from.
 *
 * From the kernel module (device.h); or, where that is absent and the process
 * may do with less (fallback.h), from memfd_secret() (secret.h) or mlock()
 * (locked.h). What the first region comes from, all later ones come from. The
 * unit tests link another backend in the place of backend.c, which needs no
 * module and can be told to fail.
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
	uint32_t protection;	/* SALLOC_PROTECTION_*: the least that any region has */
	uint32_t state;		/* SALLOC_STATE_*, from READY on */
	uint64_t used_pages;	/* with the module only; else see resident.h */
	uint64_t limit_pages;	/* that may be mapped; UINT64_MAX: any number */
	uint64_t user_pages;	/* with the module only: of which the user's processes have so many */
};

/* -ENOSYS: nothing there that could protect anything, or nothing that will do. */
int sl_backend_open(void);
/*
 * The same, for memory that a child of fork() runs on before anything can be
 * done about it. -ENOTSUP: nothing of the kind would do.
 */
int sl_backend_open_stack(void);
void sl_backend_close(int handle);

int sl_backend_limits(int handle, struct sl_backend_limits *limits);
int sl_backend_state(int handle, struct sl_backend_state *state);
/* SALLOC_PROTECTION_* of what regions have come from so far; NONE before the first. */
unsigned int sl_backend_level(void);
/*
 * Sets SALLOC_GUARD_* for this process: as long as it has a region, or @handle.
 * -ENOTSUP: there is nothing of the kind.
 */
int sl_backend_guard(int handle, unsigned int flags);

/* A new region of @length bytes, whole pages, all zero. */
int sl_backend_map(int handle, size_t length, void **start);
/*
 * Whether a mapping of this process's can be a region or a part of one. With
 * mlock() ordinary memory looks the same: sl_backend_tells() is false then.
 */
bool sl_backend_is_region(const struct sl_map *map);
bool sl_backend_tells(void);
/* The range reads as zero afterwards and costs nothing, if that can be had. */
int sl_backend_discard(int handle, void *start, size_t length);
/* The range is gone, and wiped. It may be part of a region. */
int sl_backend_unmap(void *start, size_t length);

#endif
