// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach: see attach.h.
 */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>

#include "attach.h"
#include "domain.h"
#include "handlers.h"
#include "kick.h"
#include "limits.h"
#include "sched.h"
#include "tasks.h"

/**
 * struct cm_attach - what the stopped machine is to do
 * @d: the domain to attach all tasks to
 * @caller: one of them
 * @spare: notifiers for them, linked through ->link
 * @missing: out: how many more were needed
 * @suspects: out: some are to be kicked
 * @took: out: for how long the machine was stopped, nanoseconds
 */
struct cm_attach {
	struct cm_domain *d;
	struct task_struct *caller;
	struct list_head spare;
	unsigned int missing;
	bool suspects;
	u64 took;
};

/*
 * Behind KVM's, of a task in the middle of KVM_RUN, which may write to guest
 * memory as the task leaves its CPU: that may be in a region.
 */
static void cm_attach_last(struct preempt_notifier *pn, struct hlist_head *list)
{
	struct hlist_node *last = list->first;

	if (!last) {
		hlist_add_head(&pn->link, list);
		return;
	}
	while (last->next)
		last = last->next;
	hlist_add_behind(&pn->link, last);
}

/* Whether it is one of the domain's; then it has a notifier, if there is one. */
static bool cm_attach_one(struct cm_attach *a, struct task_struct *t)
{
	struct cm_notifier *n;

	if (t->mm != a->d->mm)
		return false;
	if (cm_tasks_notifier(t, a->d))
		return true;
	n = list_first_entry_or_null(&a->spare, struct cm_notifier, link);
	if (!n) {
		a->missing++;
		return true;
	}
	list_del(&n->link);
	cm_tasks_setup(n, a->d, t);
	cm_attach_last(&n->pn, &t->preempt_notifiers);
	a->suspects |= cm_handlers_suspect(n);
	return true;
}

static void cm_attach_found(struct cm_attach *a)
{
	struct task_struct *g, *t;
	int users = 0;

	for_each_thread(a->caller, t)
		users += cm_attach_one(a, t);
	/* Most often that was all. (There may also be who only looks at the mm.) */
	if (users == atomic_read(&a->d->mm->mm_users))
		return;
	a->missing = 0;
	for_each_process_thread(g, t)
		cm_attach_one(a, t);
}

/*
 * Every other CPU is in its stopper thread: no task is inside the scheduler or
 * in a section with preemption off, so any task's list may be changed.
 */
static int cm_attach_stopped(void *data)
{
	struct cm_attach *a = data;
	u64 begun = ktime_get_mono_fast_ns();

	cm_attach_found(a);
	a->took = ktime_get_mono_fast_ns() - begun;
	return 0;
}

static int cm_attach_self(struct cm_domain *d)
{
	struct cm_notifier *n;

	if (cm_tasks_notifier(current, d))
		return 0;
	n = cm_tasks_alloc();
	if (!n)
		return -ENOMEM;
	cm_tasks_setup(n, d, current);
	preempt_disable();
	preempt_notifier_register(&n->pn);
	cm_sched_count(n);
	preempt_enable();
	/* It may be since before this: see cm_guard_alter(). */
	if (READ_ONCE(d->altered))
		cm_tasks_linger(d);
	return 0;
}

/* Notifiers for as many as there are, or were missing. */
static int cm_attach_prepare(struct cm_attach *a)
{
	unsigned int want = a->missing;
	struct cm_notifier *n;

	if (!want)
		/* A first guess; there may be more by then. */
		want = data_race(get_nr_threads(current)) + 4;
	for (; want; want--) {
		n = cm_tasks_alloc();
		if (!n)
			return -ENOMEM;
		list_add(&n->link, &a->spare);
	}
	return 0;
}

/*
 * Stopping the machine is not to be had again and again: such a domain stays
 * live, users or not, until its last task has gone.
 */
static int cm_attach_others(struct cm_domain *d)
{
	struct cm_attach a = { .d = d,
			       .caller = current,
			       .spare = LIST_HEAD_INIT(a.spare) };
	struct cm_notifier *n, *next;
	int err;

	for (;;) {
		err = cm_limits_pace(current_uid());
		if (!err)
			err = cm_attach_prepare(&a);
		if (err)
			break;
		a.missing = 0;
		err = stop_machine(cm_attach_stopped, &a, NULL);
		cm_limits_pace_more(current_uid(), a.took);
		if (!a.missing)
			break;
	}
	if (!err)
		cm_tasks_linger(d);
	if (a.suspects)
		cm_kick_all(d);
	list_for_each_entry_safe(n, next, &a.spare, link)
		cm_tasks_discard(n);
	return err;
}

/**
 * cm_attach_all() - have every task of a domain counted
 * @d: the domain of the caller's mm, live: from now on new tasks are attached
 *
 * Context: process context, may sleep, no mmap_lock held. A process with
 * several tasks stops the machine for a moment, once; a user's processes one
 * after the other, see cm_limits_pace().
 * Return: 0; -ENOMEM; -EINTR when killed; -ERESTARTNOINTR when it is to be frozen.
 */
int cm_attach_all(struct cm_domain *d)
{
	int err = 0;

	if (mutex_lock_killable(&d->attach_lock))
		return -EINTR;
	if (!d->attached) {
		/* What is done to it while it waits is not to be forgotten. */
		err = cm_attach_self(d);
		if (!err && (!thread_group_empty(current) ||
			     atomic_read(&d->mm->mm_users) != 1))
			err = cm_attach_others(d);
		d->attached = !err;
	}
	mutex_unlock(&d->attach_lock);
	return err;
}
