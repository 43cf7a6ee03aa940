// SPDX-License-Identifier: GPL-2.0-only
/*
 * power: see power.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>
#include <linux/workqueue.h>

#include "cipher.h"
#include "compat.h"
#include "contents.h"
#include "domain.h"
#include "kick.h"
#include "power.h"
#include "window.h"

static char *hibernation = "refuse";
module_param(hibernation, charp, 0444);
MODULE_PARM_DESC(hibernation, "while there are regions: refuse it (default), or drop what they hold");

static bool cm_power_drops(void)
{
	return strcmp(hibernation, "drop") == 0;
}

static void cm_power_refuse(struct cm_domain *d, void *arg)
{
	bool *busy = arg;
	unsigned int regions;

	/* None: its key has gone. Pairs with cm_contents_del_region(). */
	regions = smp_load_acquire(&d->regions);
	if (!regions)
		return;
	pr_warn("%s[%d]: %u regions: hibernation would write their key to the disk: refused\n",
		d->comm, READ_ONCE(d->pid), regions);
	*busy = true;
}

/* No region without having been dropped for this attempt, which has a number. */
static bool cm_power_has_dropped(struct cm_domain *d, unsigned int attempt)
{
	/* As above. */
	return !smp_load_acquire(&d->regions) ||
	       READ_ONCE(d->dropped) == attempt;
}

static bool cm_power_drop(struct cm_domain *d, void *arg)
{
	unsigned int regions, attempt = *(unsigned int *)arg;

	if (cm_power_has_dropped(d, attempt))
		return true;
	if (!mutex_trylock(&d->map_lock))
		return false;
	regions = d->regions;
	if (regions)
		cm_contents_drop(d);
	WRITE_ONCE(d->dropped, attempt);
	mutex_unlock(&d->map_lock);
	if (regions)
		pr_warn("%s[%d]: %u regions: dropped for hibernation: touching them gives SIGBUS\n",
			d->comm, READ_ONCE(d->pid), regions);
	return true;
}

static bool cm_hibernating;
static bool cm_ending;

/**
 * cm_power_closed() - whether the machine is about to hibernate, or to end
 * @inherited: about a region that a parent has, too: there will be no hibernation
 *	then, unless what they hold is dropped for it
 *
 * Return: true: no new region, its key would be in the image, or stay in RAM.
 */
bool cm_power_closed(bool inherited)
{
	if (READ_ONCE(cm_ending))
		return true;
	return READ_ONCE(cm_hibernating) && (!inherited || cm_power_drops());
}

static void cm_power_close(bool *why)
{
	WRITE_ONCE(*why, true);
	smp_mb(); /* pairs with cm_contents_add_region() */
}

static void cm_power_tell_stuck(struct cm_domain *d, void *arg)
{
	if (!cm_power_has_dropped(d, *(unsigned int *)arg))
		pr_warn("%s[%d]: somebody works on its regions, and does not come to an end: hibernation is refused\n",
			d->comm, READ_ONCE(d->pid));
}

/* How long to wait for who works on a region, and may do so for ever. */
#define CM_POWER_PATIENCE	(3 * HZ)

/* May the machine hibernate? */
static bool cm_power_hibernate(void)
{
	static unsigned int attempt;
	bool busy = false;

	/* First no new ones, then see whether there are old ones. */
	cm_power_close(&cm_hibernating);
	/* Those that come meanwhile get no regions. */
	if (!cm_power_drops()) {
		cm_domain_for_each(cm_power_refuse, &busy);
		return !busy;
	}
	attempt++;
	if (cm_domain_try_each(cm_power_drop, &attempt, CM_POWER_PATIENCE))
		return true;
	cm_domain_for_each(cm_power_tell_stuck, &attempt);
	return false;
}

static int cm_power_notify(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
		if (cm_power_hibernate())
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

/*
 * No other CPU runs any task, nor holds a lock that is taken with interrupts off;
 * only the task that suspends may be an owner that is running.
 */
static void cm_power_seal(struct cm_domain *d)
{
	raw_spin_lock(&d->lock);
	cm_window_seal(d);
	raw_spin_unlock(&d->lock);
}

static void cm_power_unseal(struct cm_domain *d)
{
	raw_spin_lock(&d->lock);
	if (d->running)
		cm_window_unseal(d);
	raw_spin_unlock(&d->lock);
	if (READ_ONCE(d->window.bad))
		cm_kick_running(d);
}

/* Interrupts are off. */
static int cm_power_suspend(CM_SYSCORE_PARAM)
{
	cm_domain_visit_stopped(cm_power_seal);
	return 0;
}

static void cm_power_resume(CM_SYSCORE_PARAM)
{
	cm_domain_visit_stopped(cm_power_unseal);
}

CM_SYSCORE(cm_power_syscore, .suspend = cm_power_suspend,
	   .resume = cm_power_resume);

static void cm_power_end(struct cm_domain *d, void *arg)
{
	bool *wait = arg;

	/* Who goes on touching its regions does not keep us from them. */
	WRITE_ONCE(d->broken, true);
	if (*wait)
		mutex_lock(&d->map_lock);
	else if (!mutex_trylock(&d->map_lock))
		return;
	if (d->regions)
		cm_contents_drop(d);
	mutex_unlock(&d->map_lock);
}

static DECLARE_COMPLETION(cm_power_ended);

/* First those that nobody works on. */
static void cm_power_end_all(struct work_struct *work)
{
	bool wait = false;

	cm_domain_for_each(cm_power_end, &wait);
	wait = true;
	cm_domain_for_each(cm_power_end, &wait);
	complete_all(&cm_power_ended);
}

static DECLARE_WORK(cm_power_end_work, cm_power_end_all);

/* A machine that is rebooted because something hangs must not hang of that. */
static int cm_power_reboot(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	cm_power_close(&cm_ending);
	queue_work(system_unbound_wq, &cm_power_end_work);
	if (!wait_for_completion_timeout(&cm_power_ended, CM_POWER_PATIENCE))
		pr_warn("somebody works on a region, and does not come to an end: not all is dropped at the machine's end\n");
	return NOTIFY_DONE;
}

static struct notifier_block cm_power_reboot_nb = {
	.notifier_call = cm_power_reboot,
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
	err = register_reboot_notifier(&cm_power_reboot_nb);
	if (err) {
		unregister_pm_notifier(&cm_power_nb);
		return err;
	}
	register_syscore(&cm_power_syscore);
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
	unregister_syscore(&cm_power_syscore);
	unregister_reboot_notifier(&cm_power_reboot_nb);
	flush_work(&cm_power_end_work);
	unregister_pm_notifier(&cm_power_nb);
}
