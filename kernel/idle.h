/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * idle: a domain that sleeps for long is unmapped, so that waking it costs only
 * what it then touches, and its ciphertext can be swapped out.
 *
 * Locks: tries map_lock, and comes back later when somebody has it.
 */
#ifndef _CM_IDLE_H
#define _CM_IDLE_H

int cm_idle_init(void);
void cm_idle_exit(void);

#endif /* _CM_IDLE_H */
