// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libsalloc-sodium.so: libsodium's guarded heap, out of protected memory, for programs that are not changed:
 *
 *	LD_PRELOAD=libsalloc-sodium.so program
 *
 * What sodium_malloc(3) promises holds: guard pages, a canary, what may be done with a block. NULL with errno where there is no protected
 * memory: a program that goes on without is not one that this makes.
 */
#include <salloc.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../api.h"

/* As sodium/utils.h has them, which is not needed to build this. */
API void *sodium_malloc(size_t size);
API void *sodium_allocarray(size_t count, size_t size);
API void sodium_free(void *ptr);
API int sodium_mprotect_noaccess(void *ptr);
API int sodium_mprotect_readonly(void *ptr);
API int sodium_mprotect_readwrite(void *ptr);

/* What it fills new blocks with, so that nobody takes them to be zero. */
#define GARBAGE	0xdb

API void *sodium_malloc(size_t size)
{
	void *block = salloc_guarded(size);

	if (block)
		memset(block, GARBAGE, size);
	return block;
}

API void *sodium_allocarray(size_t count, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes))
		return sodium_malloc(bytes);
	errno = ENOMEM;
	return NULL;
}

API void sodium_free(void *ptr)
{
	sfree(ptr);
}

API int sodium_mprotect_noaccess(void *ptr)
{
	return salloc_noaccess(ptr);
}

API int sodium_mprotect_readonly(void *ptr)
{
	return salloc_ro(ptr);
}

API int sodium_mprotect_readwrite(void *ptr)
{
	return salloc_rw(ptr);
}
