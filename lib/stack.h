/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stack: a region to run on. What functions keep in it, spill to it and leave
 * in it is protected then, and so are the frames of signals.
 */
#ifndef SL_STACK_H
#define SL_STACK_H

#include <stddef.h>

/*
 * Runs @body, which must not return, on a new stack of @size bytes, rounded up
 * to whole pages. Below it is a page that nothing may touch, so that to need
 * more is SIGSEGV. Returns a negative errno when there is no such stack to be
 * had; otherwise it does not return.
 */
int sl_stack_enter(size_t size, void (*body)(void));

#endif
