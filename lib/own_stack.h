/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* own_stack: where the stack of a thread is that it began with. */
#ifndef SL_OWN_STACK_H
#define SL_OWN_STACK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The calling thread's; of the main thread's, which may have no limit, the part
 * near its beginning. False when it is not known. May call malloc().
 */
bool sl_own_stack(uintptr_t *start, uintptr_t *end);

#endif
