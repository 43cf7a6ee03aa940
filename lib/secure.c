// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the macros and constructors of secure.h call. */
#define SECURE_NO_VARIABLES
#include <secure.h>

#include <errno.h>
#include <stdint.h>

#include "api.h"
#include "copied.h"
#include "die.h"
#include "heap.h"
#include "page.h"
#include "scope.h"

API void salloc_secure_variables(void *start, void *end)
{
	/*
	 * The header sees to it that nothing else is in these pages, where the
	 * linker does what GNU ld does. Otherwise their neighbours come too.
	 */
	uintptr_t from = (uintptr_t)start & ~(PAGE_BYTES - 1);
	uintptr_t to = whole_pages((uintptr_t)end);
	int saved = errno, err;
	const char *copied;

	if (start == end)
		return;
	copied = sl_copied_from((uintptr_t)start, (uintptr_t)end);
	if (copied)
		sl_die_about("the program has a copy of a secure variable, compile it with -fPIC:", copied);
	err = sl_heap_protect((void *)from, to - from);
	if (err)
		sl_die_unprotected("secure variables", err);
	errno = saved;
}

/*
 * Where the caller's stack ends as it calls: it must not become a part of the
 * caller.
 */
#define CALLER_BOTTOM	((uintptr_t)__builtin_dwarf_cfa())
#define NOT_INLINE	__attribute__((noinline))

API NOT_INLINE void *salloc_scope_enter(size_t size, size_t align, uintptr_t slot)
{
	void *block = NULL;
	int err = sl_scope_enter(size, align, slot, CALLER_BOTTOM, &block);

	return sl_answer_block(err, block);
}

API NOT_INLINE void salloc_scope_leave(const void *slot)
{
	void *block = *(void *const *)slot;
	int saved = errno;

	if (block)
		sl_scope_leave(block, (uintptr_t)slot, CALLER_BOTTOM);
	errno = saved;
}
