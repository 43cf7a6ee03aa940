// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle: see idle.h.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "domain.h"
#include "idle.h"

static unsigned int idle_ms = 1000;
module_param(idle_ms, uint, 0644);
MODULE_PARM_DESC(idle_ms, "a domain asleep for so long is unmapped, 0: never (1000)");

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
	if (!READ_ONCE(d->window.plain))
		cm_window_put_out(d, NULL);
	mutex_unlock(&d->map_lock);
}

static void cm_idle_scan(struct work_struct *work)
{
	cm_domain_for_each(cm_idle_look_at, NULL);
	schedule_delayed_work(&cm_idle_work, HZ / 2);
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
