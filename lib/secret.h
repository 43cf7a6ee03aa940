/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * secret: regions from memfd_secret(), which the kernel itself has not mapped: no
 * other process reads them, nor does a debugger, nor are they swapped out or
 * dumped. They are plaintext in the RAM all the time.
 *
 * They are shared mappings, which a child of fork() would share: so it does not
 * get them at all, but a copy that was made before (forked.h).
 *
 * Some kernels charge a page against RLIMIT_MEMLOCK when it is touched first,
 * and it is SIGBUS then to go beyond: so all of a region is touched as it is
 * made, and has memory from then on.
 */
#ifndef SL_SECRET_H
#define SL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct sl_map;

/* Whether this kernel has it, and has it turned on (secretmem.enable). */
bool sl_secret_is_there(void);

/* So large may an arena be that not much memory is for nothing: pages, of those that sl_backend_limits() tells. */
#define SL_SECRET_LIMIT	256U

/* Returns 0 or a negative errno: EAGAIN over RLIMIT_MEMLOCK. */
int sl_secret_map(size_t length, void **start);
/* One that a child shares: for a copy. */
int sl_secret_map_shared(size_t length, void **start);
bool sl_secret_is_region(const struct sl_map *map);
int sl_secret_discard(void *start, size_t length);

#endif
