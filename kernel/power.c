// SPDX-License-Identifier: GPL-2.0-only
/*
 * power: see power.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/printk.h>
#include <linux/suspend.h>

#include "cipher.h"
#include "contents.h"
#include "domain.h"
#include "power.h"
#include "window.h"

static char *hibernation = "refuse";
module_param(hibernation, charp, 0444);
MODULE_PARM_DESC(hibernation, "while there are regions: refuse it (default), or drop what they hold");

static bool cm_power_drops(void)
{
	return strcmp(hibernation, "drop") == 0;
}

static void cm_power_look_at(struct cm_domain *d, void *arg)
{
	bool *busy = arg;
	unsigned int regions;

	/* Wait for a region that is just being made. */
	mutex_lock(&d->map_lock);
	regions = d->regions;
	if (regions && cm_power_drops())
		cm_contents_drop(d);
	mutex_unlock(&d->map_lock);
	if (!regions)
		return;
	if (cm_power_drops()) {
		pr_warn("%s[%d]: %u regions: dropped for hibernation: touching them gives SIGBUS\n",
			d->comm, d->pid, regions);
		return;
	}
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
		smp_mb(); /* pairs with map_lock around cm_contents_add_region() */
		/* Those that come meanwhile get no regions. */
		cm_domain_for_each(cm_power_look_at, &busy);
		if (!busy)
			return NOTIFY_DONE;
		WRITE_ONCE(cm_hibernating, false);
		return notifier_from_errno(-EBUSY);
	case PM_POST_HIBERNATION:
		WRITE_ONCE(cm_hibernating, false);
		return NOTIFY_DONE;
	case PM_SUSPEND_PREPARE:
	case PM_POST_SUSPEND:
		cm_grace_suspend(event == PM_SUSPEND_PREPARE);
		return NOTIFY_DONE;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block cm_power_nb = {
	.notifier_call = cm_power_notify,
};

/**
 * cm_power_wipe() - the last thing to do before this kernel is gone
 *
 * Context: any, when no other CPU runs any more, and no task will.
 */
void cm_power_wipe(void)
{
	cm_domain_visit_stopped(cm_window_wipe);
	cm_cipher_wipe_keys();
}

static int cm_power_panic(struct notifier_block *nb, unsigned long event,
			  void *data)
{
	cm_power_wipe();
	return NOTIFY_DONE;
}

/* A crash kernel comes before these, as a rule: hooks.c sees to that. */
static struct notifier_block cm_power_panic_nb = {
	.notifier_call = cm_power_panic,
	.priority = INT_MAX,
};

/**
 * cm_power_init() - begin to listen
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL for an unknown value of the parameter.
 */
int cm_power_init(void)
{
	int err;

	if (strcmp(hibernation, "refuse") && !cm_power_drops()) {
		pr_err("hibernation=%s: neither refuse nor drop\n",
		       hibernation);
		return -EINVAL;
	}
	err = register_pm_notifier(&cm_power_nb);
	if (err)
		return err;
	atomic_notifier_chain_register(&panic_notifier_list,
				       &cm_power_panic_nb);
	return 0;
}

/**
 * cm_power_exit() - undo cm_power_init()
 *
 * Context: process context, may sleep.
 */
void cm_power_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list,
					 &cm_power_panic_nb);
	unregister_pm_notifier(&cm_power_nb);
}
