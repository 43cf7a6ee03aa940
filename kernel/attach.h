/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attach: has the tasks that a process has already, when it first opens the
 * device, take part.
 *
 * Locks: cm_domain.attach_lock, a mutex, outermost, never under an mmap_lock:
 * stop_machine() is called under it.
 */
#ifndef _CM_ATTACH_H
#define _CM_ATTACH_H

struct cm_domain;

int cm_attach_all(struct cm_domain *d);

#endif /* _CM_ATTACH_H */
