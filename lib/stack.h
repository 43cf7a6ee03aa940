/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stack: regions to run on. What functions keep there, spill to it and leave
 * in it is protected then, and so are the frames of signals.
 */
#ifndef SL_STACK_H
#define SL_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "region.h"

struct sl_stack {
	void *start;
	size_t length;
	pthread_t owner;	/* the thread that calls on it */
};

/*
 * A stack of @size bytes, rounded up to whole pages, and a page below it that
 * nothing may touch, so that to need more is SIGSEGV. Returns 0 or a negative
 * errno. The heap's lock is held.
 */
int sl_stack_map(size_t size, struct sl_stack *stack);
/* The heap's lock is held. */
void sl_stack_unmap(struct sl_stack *stack);
/* Calls @look for each of them. The heap's lock is held. */
void sl_stack_visit(sl_visitor *look, void *arg);
/* Of those that are not the caller's. */
void sl_stack_visit_others(sl_visitor *look, void *arg);

/* Whether a part of the range is of one of them. The heap's lock is held. */
bool sl_stack_overlaps(const char *start, size_t length);
size_t sl_stack_count(void);

/*
 * Calls @function on it. Exceptions and the unwinding of a thread that ends go
 * through this as through other calls; longjmp() does, too.
 */
void sl_stack_call(const struct sl_stack *stack, void (*function)(void *argument), void *argument);

#endif
