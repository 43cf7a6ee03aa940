/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tasks: sees to it that every task of a domain's mm carries a notifier. A task
 * without one would run over sealed frames uncounted.
 *
 * open() attaches the tasks that exist (see attach.h), the task_newtask
 * tracepoint those that come (io_uring's workers too), and a fault by a task that
 * is not counted is refused. A notifier goes when its task is freed, or, if the
 * task has moved to another mm (exec) or the domain is dead, when the task next
 * returns to user mode.
 *
 * Locks: cm_domain.tasks_lock, a raw spinlock, innermost.
 */
#ifndef _CM_TASKS_H
#define _CM_TASKS_H

#include <linux/types.h>

struct cm_domain;
struct cm_notifier;
struct task_struct;

int cm_tasks_init(void);
void cm_tasks_exit(void);

struct cm_notifier *cm_tasks_alloc(void);
void cm_tasks_discard(struct cm_notifier *n);
void cm_tasks_setup(struct cm_notifier *n, struct cm_domain *d,
		    struct task_struct *t);
void cm_tasks_free(struct cm_notifier *n);
void cm_tasks_linger(struct cm_domain *d);
struct cm_notifier *cm_tasks_notifier(struct task_struct *t,
				      struct cm_domain *d);
struct cm_notifier *cm_tasks_counted(struct cm_domain *d);
void cm_tasks_for_each(struct cm_domain *d,
		       void (*fn)(struct task_struct *t, void *arg), void *arg);
bool cm_tasks_parked(struct cm_domain *d);

#endif /* _CM_TASKS_H */
