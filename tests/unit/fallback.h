/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the test `fallback` have: what is chosen (fallback.c), what children have of it (fallback_fork.c), and what becomes of
 * what is something else by now (fallback_stale.c).
 */
#ifndef FALLBACK_H
#define FALLBACK_H

#include <salloc.h>
#include <stdbool.h>

#define SECRET	SALLOC_FALLBACK_SECRET
#define LOCKED	SALLOC_FALLBACK_LOCKED
#define WIPE	SALLOC_FALLBACK_WIPE
#define PAGE	4096

/* Of VmFlags in smaps, all of which memory of that kind has. */
extern const char *const locked_flags[], *const secret_flags[];

struct salloc_status status(void);
/* What smaps says of the mapping that @address is in: whether all of @flags are among its flags. */
bool has_flags(const void *address, const char *const *flags);
/* What may be locked from now on: RLIMIT_MEMLOCK, and no privilege to go beyond it. */
bool limit_to(size_t bytes);
/* Whether @check is true in a child made by fork(). */
bool in_child(bool (*check)(char *const *blocks), char *const *blocks);

bool copies_locked(void);
bool copies_secret(void);
bool wipes_locked(void);
bool wipes_secret(void);
bool guarded_locked(void);
bool guarded_secret(void);
bool not_shared(void);
bool breaks_secret(void);
bool breaks_locked(void);

bool stale_locked(void);
bool stale_secret(void);
bool stale_stack(void);
bool knows_no_residents(void);
bool knows_no_flags(void);
bool is_no_cancellation_point(void);

#endif
