// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched: see sched.h.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "hold.h"
#include "sched.h"
#include "tasks.h"

/**
 * cm_sched_count() - one running task more; the first unseals
 * @n: the caller's notifier
 *
 * Context: preemption off.
 */
void cm_sched_count(struct cm_notifier *n)
{
	struct cm_domain *d = n->domain;
	unsigned long flags;
	bool first = false;

	raw_spin_lock_irqsave(&d->lock, flags);
	if (!n->counted) {
		n->counted = true;
		list_add_tail(&n->running, &d->running_tasks);
		first = !d->running;
		WRITE_ONCE(d->running, d->running + 1);
		if (first)
			cm_window_unseal(d);
	}
	raw_spin_unlock_irqrestore(&d->lock, flags);
	if (first)
		cm_expiry_arm(d);
}

/**
 * cm_sched_uncount() - one running task less; the last seals
 * @n: the notifier of a task that leaves its CPU, or its domain
 * @next: who runs on this CPU next, or NULL: seal in any case
 *
 * Context: preemption off; the scheduler's, too.
 */
void cm_sched_uncount(struct cm_notifier *n, struct task_struct *next)
{
	struct cm_domain *d = n->domain;
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	if (n->counted) {
		n->counted = false;
		list_del(&n->running);
		WRITE_ONCE(d->running, d->running - 1);
		/*
		 * Between two threads of one process nobody else can look. But
		 * the next must be one that is counted, and so will seal.
		 */
		if (!d->running && !(next && next->mm == d->mm &&
				     cm_tasks_notifier(next, d))) {
			cm_window_grow_older(d);
			if (!next || !cm_grace_begin(d))
				cm_window_seal(d);
		}
	}
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/* Preemption is off, interrupts are on. */
static void cm_sched_in(struct preempt_notifier *pn, int cpu)
{
	struct cm_notifier *n = container_of(pn, struct cm_notifier, pn);
	struct cm_domain *d = n->domain;

	if (unlikely(current->mm != d->mm)) {
		if (current->mm)
			cm_sched_queue_work(n);
		return;
	}
	cm_sched_count(n);
	if (unlikely(cm_guard_suspects(d, current) ||
		     READ_ONCE(d->window.held) ||
		     READ_ONCE(d->window.bad) ||
		     READ_ONCE(d->window.age_due) ||
		     READ_ONCE(d->expiry.due) || !READ_ONCE(d->users)))
		cm_sched_queue_work(n);
}

/* Under the run-queue lock, interrupts off. */
static void cm_sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	cm_sched_uncount(container_of(pn, struct cm_notifier, pn), next);
}

static struct preempt_ops cm_preempt_ops = {
	.sched_in = cm_sched_in,
	.sched_out = cm_sched_out,
};

/**
 * cm_sched_prepare() - make a notifier call us, once it is in a task's list
 * @n: the notifier
 */
void cm_sched_prepare(struct cm_notifier *n)
{
	preempt_notifier_init(&n->pn, &cm_preempt_ops);
	atomic_set(&n->work_state, 0);
}

/**
 * cm_sched_ours() - tell our notifiers from others' (KVM has some)
 * @pn: a preempt notifier
 *
 * Return: ours, or NULL.
 */
struct cm_notifier *cm_sched_ours(struct preempt_notifier *pn)
{
	return pn->ops == &cm_preempt_ops ?
	       container_of(pn, struct cm_notifier, pn) : NULL;
}

static void cm_sched_work(struct callback_head *work)
{
	struct cm_notifier *n = container_of(work, struct cm_notifier, work);
	struct cm_domain *d = n->domain;
	int state = atomic_read(&n->work_state);

	/* Both are for good. Still queued, so that nobody queues it again. */
	if (current->mm != d->mm || !READ_ONCE(d->users)) {
		preempt_disable();
		preempt_notifier_unregister(&n->pn);
		cm_sched_uncount(n, NULL);
		preempt_enable();
		cm_tasks_free(n);
	} else {
		/* From here on the next event queues anew. */
		while (!atomic_try_cmpxchg(&n->work_state, &state,
					   (state & ~CM_WORK_MASK) +
						   CM_WORK_DONE))
			continue;
		/* That orders it before we look what the events were. */
		cm_guard_work(n);
	}
	cm_hold_end();
}

/**
 * cm_sched_stays_in_kernel() - whether a task is never on its way to user mode
 * @t: the task
 *
 * Context: any.
 * Return: whether it is such a one: a worker of vhost's, say, which was a kernel
 * thread in the process's address space before it was a thread of the process.
 */
bool cm_sched_stays_in_kernel(struct task_struct *t)
{
	/* A task has these, or not, for as long as it runs; others come and go. */
	unsigned int flags = data_race(t->flags);

	if (flags & PF_KTHREAD)
		return true;
	return PF_USER_WORKER &&
	       (flags & (PF_USER_WORKER | PF_IO_WORKER)) == PF_USER_WORKER;
}

/* @state: before, with nothing queued */
static void cm_sched_add_work(struct cm_notifier *n, int state)
{
	int queueing = state | CM_WORK_QUEUEING;

	/* No region is left when it is being unloaded: nothing is left to do. */
	if (!cm_hold())
		goto not_queued;
	init_task_work(&n->work, cm_sched_work);
	if (!task_work_add(n->task, &n->work, TWA_RESUME)) {
		/* Unless it has been done already. */
		atomic_cmpxchg(&n->work_state, queueing, state | CM_WORK_QUEUED);
		return;
	}
	cm_hold_end();
not_queued:
	atomic_set(&n->work_state, state);
}

/**
 * cm_sched_queue_work() - do something before a task returns to user mode
 * @n: the task's notifier: the caller's own, or reached under rcu_read_lock(). It
 *	may be on its way out: then its work is queued for ever, or its task has
 *	exited, or the module is being unloaded
 *
 * When it returns, the work is queued, by whomever: a task goes to user mode right
 * after this. No lock is held meanwhile, as task_work_add() allocates where KASAN
 * is.
 *
 * Context: any but NMI, not under the run-queue lock. A task that is exiting for
 * good is let go.
 */
void cm_sched_queue_work(struct cm_notifier *n)
{
	unsigned long flags;
	int state;

	if (cm_sched_stays_in_kernel(n->task))
		return;
	smp_mb(); /* after the event; pairs with cm_sched_work() */
	local_irq_save(flags);
	state = atomic_read(&n->work_state);
	while (!(state & CM_WORK_QUEUED)) {
		if (state & CM_WORK_QUEUEING) {
			cpu_relax();
			state = atomic_read(&n->work_state);
		} else if (atomic_try_cmpxchg(&n->work_state, &state,
					      state | CM_WORK_QUEUEING)) {
			cm_sched_add_work(n, state);
			break;
		}
	}
	local_irq_restore(flags);
}
