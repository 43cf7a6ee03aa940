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

	unsigned int regions;

	/* Wait for a region that is just being made. */
	mutex_lock(&d->map_lock);
	regions = d->regions;
	mutex_unlock(&d->map_lock);
	if (!regions)
		return;
	pr_warn("%s[%d]: %u regions: hibernation would write their key to the disk: refused\n",
		d->comm, d->pid, regions);
	*busy = true;
}

static bool cm_hibernating;

/**
 * cm_power_hibernating() - whether an image is being prepared
 *
 * Return: true: no new region, its key would be in the image.
 */
bool cm_power_hibernating(void)
{
	return READ_ONCE(cm_hibernating);
}

static int cm_power_notify(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	bool busy = false;

	switch (event) {
	case PM_HIBERNATION_PREPARE:
		/* First no new ones, then see whether there are old ones. */
		WRITE_ONCE(cm_hibernating, true);
		smp_mb(); /* pairs with map_lock around cm_domain_region_add() */
		cm_domain_for_each(cm_power_look_at, &busy);
		if (!busy)
			return NOTIFY_DONE;
		WRITE_ONCE(cm_hibernating, false);
		return notifier_from_errno(-EBUSY);
	case PM_POST_HIBERNATION:
		WRITE_ONCE(cm_hibernating, false);
		return NOTIFY_DONE;
	default:
		return NOTIFY_DONE;
	}
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
