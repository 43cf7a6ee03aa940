/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hooks: where the guard learns what is done to a process from outside, by
 * watching the few functions that everybody has to go through.
 *
 * Locks: cm_passes_lock (hooks.c), a raw spinlock, innermost; and the guard's,
 * under the mmap_lock of who is written to.
 */
#ifndef _CM_HOOKS_H
#define _CM_HOOKS_H

int cm_hooks_init(void);
void cm_hooks_exit(void);

#endif /* _CM_HOOKS_H */
