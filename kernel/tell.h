/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tell: what the log says of who watches a process, and of who has altered it.
 *
 * No locks but RCU's.
 */
#ifndef _CM_TELL_H
#define _CM_TELL_H

struct cm_domain;
struct pid;
struct task_struct;

int cm_tell_init(void);
void cm_tell_exit(void);

void cm_tell_watched(struct cm_domain *d, struct pid *by);
void cm_tell_locked(struct cm_domain *d, const char *what,
		    struct task_struct *by);

#endif /* _CM_TELL_H */
