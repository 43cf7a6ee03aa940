/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change: what others have begun to do to a process, with a domain or without.
 *
 * A call that changes a process may take effect long after we have seen it: the
 * kernel reads what to write from its caller's memory, which can make it wait
 * (userfaultfd, FUSE). By then the process may have opened the device. So each such
 * call is written down until its task returns to user mode, and open() looks: who
 * is being changed is locked from the start. Whether the effect comes before the
 * look, and so before there was anything to see, or after it, is not told apart.
 * At its end each locks the domain that there is by then.
 *
 * What is begun before the module is loaded (or as it is) is before our time.
 *
 * A child whose domain is made by fork() is nobody's to change before it runs.
 *
 * Locks: cm_changes_lock (change.c), a raw spinlock, innermost.
 */
#ifndef _CM_CHANGE_H
#define _CM_CHANGE_H

struct cm_domain;
struct mm_struct;

int cm_change_begin(struct mm_struct *mm, const char *what);
void cm_change_look(struct cm_domain *d);

#endif /* _CM_CHANGE_H */
