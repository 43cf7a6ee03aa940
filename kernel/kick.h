/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick: has the tasks of a domain do, before they return to user mode, what has
 * become due.
 *
 * Locks: takes cm_domain.lock, but queues work under none but RCU's.
 */
#ifndef _CM_KICK_H
#define _CM_KICK_H

struct cm_domain;

void cm_kick_all(struct cm_domain *d);
void cm_kick_all_out(struct cm_domain *d);
void cm_kick_running(struct cm_domain *d);

#endif /* _CM_KICK_H */
