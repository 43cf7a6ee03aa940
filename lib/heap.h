/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * heap: blocks of any size, for any thread. The public functions, and the ones
 * of the preload library, are thin covers for these.
 *
 * One lock guards everything below here; each function takes it. fork() holds
 * it too, so the child always finds the heap in order.
 */
#ifndef SL_HEAP_H
#define SL_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A block of @size bytes at a multiple of @align, a power of two. All bytes are
 * zero, because free memory is. Returns 0 or a negative errno.
 */
int sl_heap_alloc(size_t align, size_t size, void **block);

/*
 * The next three abort if @ptr is not a block in use; @who is the name of the
 * function to blame for it.
 */
int sl_heap_resize(const char *who, void *ptr, size_t size, void **block);
void sl_heap_free(const char *who, void *ptr);
size_t sl_heap_size(const char *who, const void *ptr);

/* Whether there is a region for blocks at that address. */
bool sl_heap_has(const void *ptr);

/* guarded.h: sl_guarded_create() */
int sl_heap_guarded(size_t size, void **block);
/* PROT_* of a block. -EINVAL: it shares its pages with others. Aborts as those above do. */
int sl_heap_access(const char *who, void *ptr, int access);

/* Sets SALLOC_GUARD_*. Returns 0 or a negative errno. */
int sl_heap_guard(unsigned int flags);

/* Sets SALLOC_FALLBACK_*: fallback.h. -EBUSY: there are regions of another kind. */
int sl_heap_fallback(unsigned int flags);

/* inplace.h says what these do. */
int sl_heap_protect(void *start, size_t length);
int sl_heap_unprotect(void *start, size_t length);

struct sl_stack;

/* stack.h: sl_stack_map() */
int sl_heap_stack(size_t size, struct sl_stack *stack);
/* sl_stack_unmap(); for __attribute__((cleanup)) */
void sl_heap_stack_free(struct sl_stack *stack);

struct sl_heap_totals {
	bool regions;		/* there are some, whatever for */
	/* If the library has to count, as there is no module: */
	size_t locked;		/* bytes that count against RLIMIT_MEMLOCK */
	size_t resident;	/* of which so many occupy memory */
	size_t allocated;	/* bytes in blocks */
	size_t mapped;		/* bytes of addresses for blocks */
};

void sl_heap_totals(struct sl_heap_totals *totals);

#endif
