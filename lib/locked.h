/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * locked: regions of ordinary memory that is not swapped out and not dumped.
 * Who may debug the process reads it, and so does who reads the RAM.
 *
 * A child of fork() has a copy, or zeros, and has to lock it anew (forked.h).
 */
#ifndef SL_LOCKED_H
#define SL_LOCKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_map;

/* Pages that this process may lock (RLIMIT_MEMLOCK), if it is not privileged. */
uint64_t sl_locked_limit(void);

/* @wipe: children inherit zeros. Returns 0 or a negative errno: EPERM when nothing may be locked, ENOMEM over the limit. */
int sl_locked_map(size_t length, bool wipe, void **start);
/* What is touched from now on stays in memory. */
int sl_locked_lock(void *start, size_t length);
/* Ordinary memory looks the same. */
bool sl_locked_is_region(const struct sl_map *map);
int sl_locked_discard(void *start, size_t length);

#endif
