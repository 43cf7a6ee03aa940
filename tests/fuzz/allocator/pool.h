/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool: the world below the allocator, for tests/fuzz/allocator.c. A backend of
 * ordinary memory, at addresses that are the same in each run, which fails when
 * told to; and the means to put the library back to where it was at the start,
 * so that an input always does the same, whatever ran before it.
 */
#ifndef FUZZ_POOL_H
#define FUZZ_POOL_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct pool {
	size_t regions_bytes;	/* mapped now */
	size_t handles;		/* open now */
	unsigned int guard;	/* SALLOC_GUARD_*; kept as long as the kernel would */
	size_t gap;		/* bytes left free above the next region */

	/* Failing on demand. */
	size_t bytes_max;	/* map() gives EDQUOT above; 0: no limit */
	size_t max_pages;	/* what limits() says; 0: a lot */
	size_t fail_after;	/* so many calls go well yet, ... */
	size_t fail_count;	/* ... then so many fail ... */
	int fail_error;		/* ... with this errno */

	size_t failed;		/* calls that did fail */
	int error;		/* errno of the one that failed last */
	bool unmap_failed;	/* regions may be there that nobody knows of */

	/* Where sl_die() goes when it is the right thing to do. */
	jmp_buf *death;
	bool death_expected;
	const char *death_what;
	const void *death_ptr;
};

extern struct pool pool;

/* All that pool_reset() shall come back to; before the library is used. */
void pool_start(void);
void pool_reset(void);

/* Is all of [@ptr, @ptr + @size) in one region? */
bool pool_holds(const void *ptr, size_t size);

/* Says what is wrong, and aborts. */
_Noreturn void pool_wrong(const char *what);

#endif
