/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * idle: pages that are not used do not stay in the window.
 *
 * A domain that sleeps for long is unmapped, so that waking it costs only what
 * it then touches, and its ciphertext can be swapped out.
 *
 * The window of one that is awake ages. All frames are decrypted at every switch
 * to the owner, and the dirty ones, which stay mapped writable, are encrypted at
 * every switch away, used or not. So now and then the owner, back on a CPU, puts
 * all of them out. What it misses comes back, clean until it is written.
 *
 * Locks: the worker tries map_lock, and comes back later when somebody has it.
 */
#ifndef _CM_IDLE_H
#define _CM_IDLE_H

struct cm_domain;

void cm_idle_age(struct cm_domain *d);

int cm_idle_init(void);
void cm_idle_exit(void);

#endif /* _CM_IDLE_H */
