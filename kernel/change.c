// SPDX-License-Identifier: GPL-2.0-only
/*
 * change: see change.h.
 */
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/task_work.h>

#include "change.h"
#include "domain.h"
#include "guard.h"
#include "hold.h"

/**
 * struct cm_change - a call under way
 * @by_mm: in the table of that name, by @mm; under cm_changes_lock
 * @by_task: the same, by @task: there are few of each task's
 * @mm: the address space that it changes, mm_count held
 * @task: who makes it; it lasts as long as this does
 * @what: it does
 * @work: its end
 */
struct cm_change {
	struct hlist_node by_mm;
	struct hlist_node by_task;
	struct mm_struct *mm;
	struct task_struct *task;
	const char *what;
	struct callback_head work;
};

static DEFINE_HASHTABLE(cm_changes_by_mm, 10);
static DEFINE_HASHTABLE(cm_changes_by_task, 10);
static DEFINE_RAW_SPINLOCK(cm_changes_lock);

static void cm_change_end(struct callback_head *work)
{
	struct cm_change *c = container_of(work, struct cm_change, work);
	struct cm_domain *d = cm_domain_find_get(c->mm);
	unsigned long flags;

	/* Others may have begun to, and be held up: nobody relies on them. */
	if (d) {
		cm_guard_lock(d, c->what, current);
		cm_domain_put(d);
	}
	raw_spin_lock_irqsave(&cm_changes_lock, flags);
	hash_del(&c->by_mm);
	hash_del(&c->by_task);
	raw_spin_unlock_irqrestore(&cm_changes_lock, flags);
	mmdrop(c->mm);
	kfree(c);
	cm_hold_end();
}

/* The caller's own. */
static bool cm_change_is_known(struct mm_struct *mm)
{
	struct cm_change *c;
	unsigned long flags;
	bool known = false;

	raw_spin_lock_irqsave(&cm_changes_lock, flags);
	hash_for_each_possible(cm_changes_by_task, c, by_task,
			       (unsigned long)current)
		known |= c->mm == mm && c->task == current;
	raw_spin_unlock_irqrestore(&cm_changes_lock, flags);
	return known;
}

/* Anybody's. The lock is held. */
static struct cm_change *cm_change_find(struct mm_struct *mm)
{
	struct cm_change *c;

	hash_for_each_possible(cm_changes_by_mm, c, by_mm, (unsigned long)mm)
		if (c->mm == mm)
			return c;
	return NULL;
}

/**
 * cm_change_begin() - the caller is about to change a process
 * @mm: its address space, which does not go meanwhile
 * @what: what it does, for the log
 *
 * Until it returns to user mode, whoever opens the device there is locked; and
 * before it does, who has done so. Look for a domain after this, not before.
 *
 * Context: process context of a task that has a user mode; does not sleep.
 * Return: 0; or a negative errno: it must not be done.
 */
int cm_change_begin(struct mm_struct *mm, const char *what)
{
	struct cm_change *c;
	unsigned long flags;

	/* Loading may fail yet, and does not wait for who holds the module. */
	if (READ_ONCE(THIS_MODULE->state) == MODULE_STATE_COMING)
		return 0;
	if (cm_change_is_known(mm))
		return 0;
	c = kmalloc(sizeof(*c), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!c)
		return -ENOMEM;
	c->mm = mm;
	c->task = current;
	c->what = what;
	init_task_work(&c->work, cm_change_end);
	if (!cm_hold()) {
		kfree(c);
		return 0;
	}
	if (task_work_add(current, &c->work, TWA_RESUME)) {
		cm_hold_end();
		kfree(c);
		return -ESRCH;
	}
	mmgrab(mm);
	raw_spin_lock_irqsave(&cm_changes_lock, flags);
	hash_add(cm_changes_by_mm, &c->by_mm, (unsigned long)mm);
	hash_add(cm_changes_by_task, &c->by_task, (unsigned long)current);
	raw_spin_unlock_irqrestore(&cm_changes_lock, flags);
	smp_mb(); /* pairs with cm_change_look() */
	return 0;
}

/**
 * cm_change_look() - lock a domain that somebody is about to change
 * @d: the domain, which can be found by now; its tasks are attached
 *
 * Context: process context of a task of its, may sleep. Before any region can be
 * made by the caller.
 */
void cm_change_look(struct cm_domain *d)
{
	struct task_struct *task = NULL;
	const char *what = NULL;
	struct cm_change *c;
	unsigned long flags;

	smp_mb(); /* pairs with cm_change_begin() */
	raw_spin_lock_irqsave(&cm_changes_lock, flags);
	c = cm_change_find(d->mm);
	if (c) {
		task = get_task_struct(c->task);
		what = c->what;
	}
	raw_spin_unlock_irqrestore(&cm_changes_lock, flags);
	if (!task)
		return;
	cm_guard_lock(d, what, task);
	put_task_struct(task);
}
