// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle: see idle.h.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "domain.h"
#include "frame.h"
#include "idle.h"

static unsigned int idle_ms = 1000;
module_param(idle_ms, uint, 0644);
MODULE_PARM_DESC(idle_ms, "a domain asleep for so long is unmapped, 0: never (1000)");

/* Rounds of ageing are at most so many departures apart. */
#define CM_AGE_MAX	64U

static void cm_idle_scan(struct work_struct *work);
static DECLARE_DELAYED_WORK(cm_idle_work, cm_idle_scan);

static void cm_idle_look_at(struct cm_domain *d, void *arg)
{
	unsigned long idle = msecs_to_jiffies(READ_ONCE(idle_ms));

	if (!idle || READ_ONCE(d->window.plain) || !READ_ONCE(d->window.count))
		return;
	if (time_before(jiffies, READ_ONCE(d->window.sealed_at) + idle))
		return;
	if (!mutex_trylock(&d->map_lock))
		return;
	if (!READ_ONCE(d->window.plain)) {
		cm_window_put_out(d, NULL);
		cm_growth_shrink(d, 0);
	}
	mutex_unlock(&d->map_lock);
}

static void cm_idle_scan(struct work_struct *work)
{
	cm_domain_for_each(cm_idle_look_at, NULL);
	schedule_delayed_work(&cm_idle_work, HZ / 2);
}

/**
 * cm_idle_age() - put everything out: what is used comes back
 * @d: the domain; map_lock is held
 *
 * When half of the last round was missed, the window mostly holds what is used:
 * then the next is to wait longer.
 *
 * Context: process context of a running owner, may sleep.
 */
void cm_idle_age(struct cm_domain *d)
{
	struct cm_window *w = &d->window;
	unsigned long flags, at;
	unsigned int used;
	struct cm_frame *f;
	struct cm_page *pg;

	lockdep_assert_held(&d->map_lock);
	xa_for_each_marked(&d->pages, at, pg, CM_AGED)
		xa_clear_mark(&d->pages, at, CM_AGED);
	w->age_every = 2 * w->missed >= w->aged ?
		       min(2 * w->age_every, CM_AGE_MAX) : 1;
	/* All of it was put out by the last round: so it has been touched since. */
	used = max(w->count, w->missed);
	w->missed = 0;
	w->aged = 0;
	list_for_each_entry(f, &w->list, list) {
		/* One never written cannot be marked, and costs little. */
		if (!f->pg)
			continue;
		xa_set_mark(&d->pages, f->pgoff, CM_AGED);
		w->aged++;
	}
	cm_window_put_out(d, NULL);
	cm_growth_shrink(d, used);
	raw_spin_lock_irqsave(&d->lock, flags);
	w->age_in = w->age_every - 1;
	WRITE_ONCE(w->age_due, false);
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/**
 * cm_idle_init() - start looking for domains that sleep
 *
 * Return: 0.
 */
int cm_idle_init(void)
{
	schedule_delayed_work(&cm_idle_work, HZ / 2);
	return 0;
}

/**
 * cm_idle_exit() - undo cm_idle_init()
 *
 * Context: process context, may sleep.
 */
void cm_idle_exit(void)
{
	cancel_delayed_work_sync(&cm_idle_work);
}
