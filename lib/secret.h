/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * secret: regions from memfd_secret(), which the kernel itself has not mapped: no
 * other process reads them, nor does a debugger, nor are they swapped out or
 * dumped. They are plaintext in the RAM all the time.
 *
 * They are shared mappings, which a child of fork() would share: so it does not
 * get them at all, but a copy that was made before (forked.h).
 */
#ifndef SL_SECRET_H
#define SL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct sl_map;

/* Whether this kernel has it, and has it turned on (secretmem.enable). */
bool sl_secret_is_there(void);

/* Returns 0 or a negative errno: EAGAIN over RLIMIT_MEMLOCK. */
int sl_secret_map(size_t length, void **start);
/* One that a child shares: for a copy. */
int sl_secret_map_shared(size_t length, void **start);
bool sl_secret_is_region(const struct sl_map *map);
int sl_secret_discard(void *start, size_t length);

#endif
