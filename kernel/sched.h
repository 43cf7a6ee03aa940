/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched: seals a domain when the last of its running tasks leaves its CPU, and
 * unseals it when the first comes back.
 *
 * Each task of a domain's mm carries a preempt notifier, see tasks.h. Besides
 * counting, it has work done before its task returns to user mode: for the
 * guard, or to let go of a domain that the task no longer belongs to.
 *
 * Locks: cm_domain.lock.
 */
#ifndef _CM_SCHED_H
#define _CM_SCHED_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/task_work.h>
#include <linux/types.h>

struct cm_domain;
struct task_struct;

/* Bits of cm_notifier.flags */
#define CM_RESTART	0 /* restart the system call that a parked fault broke */
#define CM_PARKED	1 /* the present wait has been counted */
#define CM_FRAME	2 /* it was served a signal's frame, or the like */
#define CM_SETTLE	3 /* its region is where instruments could read before */

/* The lowest bits of cm_notifier.work_state; above, how often it was done. */
#define CM_WORK_QUEUEING	1 /* somebody, irqs off, is about to queue it */
#define CM_WORK_QUEUED		2
#define CM_WORK_MASK		3
#define CM_WORK_DONE		4

/**
 * struct cm_notifier - what a task of a domain carries
 * @pn: in the task's list of preempt notifiers
 * @domain: the domain, held while this is in the task's list
 * @task: the task, held
 * @link: in the domain's list, RCU; under tasks_lock
 * @running: in the domain's list of those that are counted; under the domain's
 *	lock
 * @work: runs before the task returns to user mode
 * @work_state: CM_WORK_*
 * @flags: CM_*, atomic bits
 * @handler: enum cm_handler
 * @armed: since when it is that, jiffies
 * @counted: this task is in the domain's count; under the domain's lock
 * @rcu: how it is freed
 */
struct cm_notifier {
	struct preempt_notifier pn;
	struct cm_domain *domain;
	struct task_struct *task;
	struct list_head link;
	struct list_head running;
	struct callback_head work;
	atomic_t work_state;
	unsigned long flags;
	atomic_t handler;
	unsigned long armed;
	bool counted;
	struct rcu_head rcu;
};

void cm_sched_prepare(struct cm_notifier *n);
struct cm_notifier *cm_sched_ours(struct preempt_notifier *pn);
void cm_sched_count(struct cm_notifier *n);
void cm_sched_uncount(struct cm_notifier *n, struct task_struct *next);
bool cm_sched_stays_in_kernel(struct task_struct *t);
void cm_sched_queue_work(struct cm_notifier *n);

#endif /* _CM_SCHED_H */
