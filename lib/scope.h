/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scope: blocks that live as long as a scope of a function, secure_auto().
 *
 * A thread has a list of its own, the newest first. A scope that is left in a
 * way that does not tell of it, by longjmp() say, leaves its block behind. That
 * goes when the next is entered or left in a function further up the stack; or
 * at the thread's end. It needs the thread's own stack to tell up from down:
 * blocks of functions that run elsewhere (handlers on a stack of their own,
 * coroutines) are never taken to be left behind. A stack within the thread's own
 * cannot be told from that.
 *
 * @slot is the address of the variable that points to the block, @bottom the end
 * of the stack in use in that variable's function.
 */
#ifndef SL_SCOPE_H
#define SL_SCOPE_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed block of @size bytes at a multiple of @align. Returns 0 or a negative errno. */
int sl_scope_enter(size_t size, size_t align, uintptr_t slot, uintptr_t bottom, void **block);
/* Wipes it and gives it back. Aborts if it is no such block of this thread's. */
void sl_scope_leave(void *block, uintptr_t slot, uintptr_t bottom);

#endif
