// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick: see kick.h.
 */
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "domain.h"
#include "kick.h"
#include "sched.h"

/**
 * cm_kick_all() - queue work for every task of a domain
 * @d: the domain
 *
 * Context: any but NMI.
 */
void cm_kick_all(struct cm_domain *d)
{
	struct cm_notifier *n;

	rcu_read_lock();
	list_for_each_entry_rcu(n, &d->tasks, link)
		cm_sched_queue_work(n);
	rcu_read_unlock();
}

static void cm_kick_nothing(void *unused)
{
}

/**
 * cm_kick_all_out() - the same, and wait until those in user mode have left it
 * @d: the domain
 *
 * None executes anything there before it has done its work.
 *
 * Context: process context, interrupts on; may hold an mmap_lock.
 */
void cm_kick_all_out(struct cm_domain *d)
{
	cm_kick_all(d);
	smp_call_function(cm_kick_nothing, NULL, 1);
}

/*
 * The next of those that run, who go to the end: all have had their turn after
 * as many as there are now.
 */
static unsigned int cm_kick_next(struct cm_domain *d, struct cm_notifier **some,
				 unsigned int max)
{
	struct cm_notifier *n;
	unsigned long flags;
	unsigned int got = 0;

	raw_spin_lock_irqsave(&d->lock, flags);
	while (got < max && !list_empty(&d->running_tasks)) {
		n = list_first_entry(&d->running_tasks, struct cm_notifier,
				     running);
		list_move_tail(&n->running, &d->running_tasks);
		some[got++] = n;
	}
	raw_spin_unlock_irqrestore(&d->lock, flags);
	return got;
}

/**
 * cm_kick_running() - queue work for those that are on a CPU
 * @d: the domain
 *
 * They are no more than there are CPUs, however many tasks the domain has. Those
 * that are counted from now on may be left out.
 *
 * Context: any but NMI; hard irqs, too.
 */
void cm_kick_running(struct cm_domain *d)
{
	struct cm_notifier *some[16];
	unsigned int i, got, left = READ_ONCE(d->running);

	rcu_read_lock();
	for (; left; left -= got) {
		/* Not under the domain's lock: it is the scheduler's, too. */
		got = cm_kick_next(d, some,
				   min_t(unsigned int, left, ARRAY_SIZE(some)));
		if (!got)
			break;
		for (i = 0; i < got; i++)
			cm_sched_queue_work(some[i]);
	}
	rcu_read_unlock();
}
