// SPDX-License-Identifier: LGPL-2.1-or-later
/* Functions on protected stacks: what salloc.h says of salloc_call(). Compiled with -fexceptions. */
#include <salloc.h>

#include "api.h"
#include "heap.h"
#include "stack.h"

/* As much as a thread has where nobody says otherwise. */
#define SIZE_DEFAULT	((size_t)8 << 20)
/* The frame of a signal has all registers in it, and its handler wants room, too. */
#define SIZE_MIN	((size_t)32 << 10)

/* The stack goes however this is left: by an exception, or with the thread. */
static void call(const struct sl_stack *mapped, void (*function)(void *argument), void *argument)
{
	__attribute__((cleanup(sl_heap_stack_free))) struct sl_stack stack = *mapped;

	sl_stack_call(&stack, function, argument);
}

API int salloc_call(size_t size, void (*function)(void *argument), void *argument)
{
	struct sl_stack stack;
	int err;

	if (!size)
		size = SIZE_DEFAULT;
	err = sl_heap_stack(size < SIZE_MIN ? SIZE_MIN : size, &stack);
	if (err)
		return sl_answer(err);
	call(&stack, function, argument);
	return 0;
}
