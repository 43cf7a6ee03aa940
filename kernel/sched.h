/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched: seals a domain when the last of its running tasks leaves its CPU, and
 * unseals it when the first comes back.
 *
 * Each task of a domain's mm carries a preempt notifier. A task without one
 * would run over sealed frames uncounted; so open() attaches the tasks that
 * exist, the task_newtask tracepoint those that come (io_uring's workers too),
 * and a fault by a task that is not counted is refused.
 *
 * A notifier goes when its task is freed, or, if the task has moved to another
 * mm (exec) or the domain is dead, when the task next returns to user mode.
 *
 * Locks: cm_sched_attach_lock, a mutex, outermost, never under an mmap_lock:
 * stop_machine() is called under it. cm_sched_lock, a raw spinlock, innermost.
 */
#ifndef _CM_SCHED_H
#define _CM_SCHED_H

#include <linux/preempt.h>
#include <linux/task_work.h>
#include <linux/types.h>

struct cm_domain;
struct task_struct;

/* Bits of cm_notifier.flags */
#define CM_WORK_PENDING	0 /* @work is queued */
#define CM_RESTART	1 /* restart the system call that a parked fault broke */
#define CM_PARKED	2 /* the present wait has been counted */

/**
 * struct cm_notifier - what a task of a domain carries
 * @pn: in the task's list of preempt notifiers
 * @domain: the domain, held
 * @task: the task
 * @link: in the domain's list; under cm_sched_lock
 * @work: runs before the task returns to user mode
 * @flags: CM_*, atomic bits
 * @counted: this task is in the domain's count; under the domain's lock
 */
struct cm_notifier {
	struct preempt_notifier pn;
	struct cm_domain *domain;
	struct task_struct *task;
	struct list_head link;
	struct callback_head work;
	unsigned long flags;
	bool counted;
};

int cm_sched_init(void);
void cm_sched_exit(void);

int cm_sched_attach(struct cm_domain *d);
struct cm_notifier *cm_sched_notifier(struct cm_domain *d);
bool cm_sched_for_each_task(struct cm_domain *d,
			    bool (*fn)(struct task_struct *t, void *arg),
			    void *arg);
void cm_sched_queue_work(struct cm_notifier *n);
void cm_sched_kick(struct cm_domain *d);

#endif /* _CM_SCHED_H */
