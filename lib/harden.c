// SPDX-License-Identifier: LGPL-2.1-or-later
/* For those who want more of a block than that it is protected: what salloc.h says of salloc_guarded() and the like. */
#include <salloc.h>

#include <string.h>
#include <sys/mman.h>

#include "api.h"
#include "heap.h"

API void *salloc_guarded(size_t size)
{
	void *block = NULL;
	int err = sl_heap_guarded(size, &block);

	return sl_answer_block(err, block);
}

API int salloc_ro(void *ptr)
{
	return sl_answer(sl_heap_access("salloc_ro", ptr, PROT_READ));
}

API int salloc_rw(void *ptr)
{
	return sl_answer(sl_heap_access("salloc_rw", ptr, PROT_READ | PROT_WRITE));
}

API int salloc_noaccess(void *ptr)
{
	return sl_answer(sl_heap_access("salloc_noaccess", ptr, PROT_NONE));
}

API int salloc_equal(const void *a, const void *b, size_t length)
{
	const volatile unsigned char *one = a, *other = b;
	unsigned int differ = 0;

	for (size_t i = 0; i < length; i++)
		differ |= one[i] ^ other[i];
	/* 1 for 0, 0 for 1 to 255, and no branch. */
	return (int)((differ - 1U) >> 31);
}

API void salloc_zero(void *memory, size_t length)
{
	explicit_bzero(memory, length);
}
