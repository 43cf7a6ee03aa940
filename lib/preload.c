// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libsalloc-preload.so: the malloc family of an unmodified program, out of
 * protected memory:
 *
 *	LD_PRELOAD=libsalloc-preload.so ssh-agent
 *
 * The dynamic loader calls these before any constructor has run, so nothing
 * here or below waits for one. Without the kernel module the program is aborted
 * before its main(), unless SALLOC_FALLBACK=locked is in the environment:
 * protection is never lost in silence.
 *
 * SALLOC_GUARD, a list of park, refuse and hide, is what salloc_guard() would be
 * called with. It cannot be read before constructors run, as the C library has
 * no environment till then, and is in force when main() begins.
 */
#include <errno.h>
#include <malloc.h>
#include <salloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

#include "api.h"
#include "die.h"
#include "fallback.h"
#include "heap.h"
#include "page.h"
#include "preload.h"
#include "slab.h"

/*
 * Nothing that a child has to wait for: fork() itself uses what malloc() gave,
 * in the child, before any handler is called.
 */
const unsigned int sl_fallback_possible = SALLOC_FALLBACK_LOCKED;

noreturn void sl_preload_die(int err)
{
	if (err == -ENOTSUP)
		sl_die_text("preload: SALLOC_GUARD: not in this version of the kernel module");
	sl_die_unprotected("preload", err);
}

static void *fail(int err)
{
	struct sl_heap_totals totals;

	sl_heap_totals(&totals);
	if (!totals.regions)
		sl_preload_die(err);
	/* malloc() knows no other error. */
	errno = ENOMEM;
	return NULL;
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

static unsigned int guard_flag(const char *word, size_t length)
{
	static const struct {
		char name[8];
		unsigned int flag;
	} known[] = {
		{ "park", SALLOC_GUARD_PARK },
		{ "refuse", SALLOC_GUARD_REFUSE },
		{ "hide", SALLOC_GUARD_HIDE },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i].name) == length &&
		    !memcmp(known[i].name, word, length))
			return known[i].flag;
	sl_die_text("preload: SALLOC_GUARD: not a list of park, refuse, hide with commas between");
}

static void set_guard(const char *list)
{
	unsigned int flags = 0;
	const char *end;
	int err;

	for (;; list = end + 1) {
		end = strchrnul(list, ',');
		flags |= guard_flag(list, end - list);
		if (!*end)
			break;
	}
	err = sl_heap_guard(flags);
	if (err == -EINVAL)
		sl_die_text("preload: SALLOC_GUARD: both to park and to refuse");
	if (err)
		sl_preload_die(err);
}

/* Programs that never allocate are told as well. */
__attribute__((constructor)) static void check(void)
{
	/* Who gains something by running a program has no say in it. */
	const char *guard = secure_getenv("SALLOC_GUARD");

	free(malloc(1));
	if (guard && *guard)
		set_guard(guard);
}
