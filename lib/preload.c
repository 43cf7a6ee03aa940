// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libsalloc-preload.so: the malloc family of an unmodified program, out of
 * protected memory:
 *
 *	LD_PRELOAD=libsalloc-preload.so ssh-agent
 *
 * The dynamic loader calls these before any constructor has run, so nothing
 * here or below waits for one. Without the kernel module the program is aborted
 * before its main(): protection is never lost in silence.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "die.h"
#include "heap.h"
#include "page.h"
#include "slab.h"

#define API	__attribute__((visibility("default")))

static void *fail(int err)
{
	struct sl_heap_totals totals;

	sl_heap_totals(&totals);
	if (totals.regions) {
		/* malloc() knows no other error. */
		errno = ENOMEM;
		return NULL;
	}
	switch (-err) {
	case ENOSYS:
		sl_die_text("preload: the kernel module cryptmem is not loaded");
	case EACCES:
		sl_die_text("preload: no permission to open /dev/cryptmem");
	case EDQUOT:
		sl_die_text("preload: this user has no protected memory left");
	default:
		sl_die_text("preload: cannot get protected memory");
	}
}

static void *aligned(size_t align, size_t size)
{
	void *block;
	int err = sl_heap_alloc(align, size, &block);

	return err ? fail(err) : block;
}

static size_t is_power_of_two(size_t value)
{
	return value && !(value & (value - 1));
}

API void *malloc(size_t size)
{
	return aligned(SLAB_ALIGN, size);
}

API void free(void *ptr)
{
	if (ptr)
		sl_heap_free("free", ptr);
}

API void *calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	/* All that the heap hands out is zero. */
	return aligned(SLAB_ALIGN, bytes);
}

API void *realloc(void *ptr, size_t size)
{
	void *block;
	int err;

	if (!ptr)
		return aligned(SLAB_ALIGN, size);
	err = sl_heap_resize("realloc", ptr, size, &block);
	return err ? fail(err) : block;
}

API void *reallocarray(void *ptr, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, bytes);
}

API void *aligned_alloc(size_t align, size_t size)
{
	if (!is_power_of_two(align)) {
		errno = EINVAL;
		return NULL;
	}
	return aligned(align, size);
}

API void *memalign(size_t align, size_t size)
{
	return aligned_alloc(align, size);
}

API int posix_memalign(void **block, size_t align, size_t size)
{
	int saved = errno;
	void *new;

	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;
	new = aligned(align, size);
	errno = saved;
	if (!new)
		return ENOMEM;
	*block = new;
	return 0;
}

API void *valloc(size_t size)
{
	return aligned(PAGE_BYTES, size);
}

API void *pvalloc(size_t size)
{
	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	return aligned(PAGE_BYTES, (size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1));
}

API size_t malloc_usable_size(void *ptr)
{
	return ptr ? sl_heap_size("malloc_usable_size", ptr) : 0;
}

/* Programs that never allocate are told as well. */
__attribute__((constructor)) static void check(void)
{
	free(malloc(1));
}
