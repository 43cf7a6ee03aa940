// SPDX-License-Identifier: GPL-2.0-only
/*
 * power: see power.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/suspend.h>

#include "domain.h"
#include "power.h"

static void cm_power_look_at(struct cm_domain *d, void *arg)
{
	bool *busy = arg;

	if (!READ_ONCE(d->regions))
		return;
	pr_warn("%s[%d]: %u regions: hibernation would write their key to the disk: refused\n",
		d->comm, d->pid, READ_ONCE(d->regions));
	*busy = true;
}

static int cm_power_notify(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	bool busy = false;

	if (event != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	cm_domain_for_each(cm_power_look_at, &busy);
	return busy ? notifier_from_errno(-EBUSY) : NOTIFY_DONE;
}

static struct notifier_block cm_power_nb = {
	.notifier_call = cm_power_notify,
};

/**
 * cm_power_init() - listen for hibernation
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int cm_power_init(void)
{
	return register_pm_notifier(&cm_power_nb);
}

/**
 * cm_power_exit() - undo cm_power_init()
 *
 * Context: process context, may sleep.
 */
void cm_power_exit(void)
{
	unregister_pm_notifier(&cm_power_nb);
}
