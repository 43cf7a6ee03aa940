// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "die.h"
#include "forked.h"
#include "heap.h"
#include "own_stack.h"

/* In front of each block, in protected memory as it is. */
struct scope {
	struct scope *older;
	void *start;	/* what the heap gave */
	uintptr_t slot;
};

static __thread struct {
	struct scope *newest;
	uintptr_t stack, stack_end;
	bool known;
} thread;

static pthread_key_t ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int no_key;

static void drop(struct scope **at)
{
	struct scope *scope = *at;

	*at = scope->older;
	/* NULL: a child that inherits nothing but zeros, fallback.h. */
	if (scope->start)
		sl_heap_free("secure_auto", scope->start);
}

static void drop_all(void *unused)
{
	(void)unused;
	while (thread.newest)
		drop(&thread.newest);
	/* Other destructors may have scopes, too. */
	thread.known = false;
}

static void make_key(void)
{
	no_key = pthread_key_create(&ends, drop_all);
}

/* A library that is unloaded with libsalloc.a in it leaves nothing that calls into it. */
__attribute__((destructor)) static void delete_key(void)
{
	if (!pthread_once(&once, make_key) && !no_key)
		pthread_key_delete(ends);
}

/* Before a thread's first scope. */
static int prepare(void)
{
	int err;

	if (thread.known)
		return 0;
	pthread_once(&once, make_key);
	err = no_key ? no_key : pthread_setspecific(ends, &thread);
	if (err)
		return -err;
	sl_own_stack(&thread.stack, &thread.stack_end);
	thread.known = true;
	return 0;
}

static bool on_stack(uintptr_t address)
{
	return address - thread.stack < thread.stack_end - thread.stack;
}

/*
 * Drops what was left behind by functions whose frames were below @bottom, and
 * by another life of the variable at @slot. Stops at one that is none of this:
 * what is older belongs to callers.
 */
static void sweep(uintptr_t bottom, uintptr_t slot)
{
	struct scope **at = &thread.newest;

	if (!on_stack(bottom) || !on_stack(slot))
		return;
	while (*at) {
		uintptr_t its = (*at)->slot;

		if (!on_stack(its))
			at = &(*at)->older;
		else if (its < bottom || its == slot)
			drop(at);
		else
			return;
	}
}

int sl_scope_enter(size_t size, size_t align, uintptr_t slot, uintptr_t bottom, void **block)
{
	size_t before = (sizeof(struct scope) + align - 1) & ~(align - 1);
	struct scope *scope;
	void *start;
	int err;

	if (size > PTRDIFF_MAX - before)
		return -ENOMEM;
	err = prepare();
	if (err)
		return err;
	sweep(bottom, slot);
	err = sl_heap_alloc(align, before + size, &start);
	if (err)
		return err;
	*block = (char *)start + before;
	scope = (struct scope *)*block - 1;
	*scope = (struct scope){ thread.newest, start, slot };
	thread.newest = scope;
	return 0;
}

void sl_scope_leave(void *block, uintptr_t slot, uintptr_t bottom)
{
	struct scope **at = &thread.newest;

	while (*at && (void *)(*at + 1) != block)
		at = &(*at)->older;
	if (!*at && sl_forked_is_wiped())
		return;
	if (!*at)
		sl_die("secure_auto", "left in another thread than it was entered in, or twice:", block);
	drop(at);
	sweep(bottom, slot);
}
