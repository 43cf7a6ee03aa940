// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: see hold.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "hold.h"

/* Nobody is left who would need it. */
static bool cm_hold_refused;

/**
 * cm_hold() - keep the module where it is
 *
 * Context: any.
 * Return: whether it stays until cm_hold_end(). If not, no region is left.
 */
bool cm_hold(void)
{
	bool held;

	rcu_read_lock();
	held = try_module_get(THIS_MODULE);
	/* Where nobody uses it, the kernel has taken its own reference away: -1. */
	if (unlikely(!held) && !READ_ONCE(cm_hold_refused) &&
	    module_refcount(THIS_MODULE) >= 0) {
		__module_get(THIS_MODULE);
		held = true;
	}
	rcu_read_unlock();
	return held;
}

/**
 * cm_hold_end() - let it go
 *
 * Context: any.
 */
void cm_hold_end(void)
{
	module_put(THIS_MODULE);
}

/**
 * cm_hold_refuse() - it goes
 *
 * Context: process context, may sleep.
 */
void cm_hold_refuse(void)
{
	WRITE_ONCE(cm_hold_refused, true);
	synchronize_rcu();
}

/**
 * cm_hold_wait() - wait for who uses it: before anything of it is closed
 *
 * Nobody can begin to, as the module is on its way out. Afterwards it cannot be
 * held.
 *
 * Context: process context, may sleep.
 */
void cm_hold_wait(void)
{
	bool told = false;

	for (;;) {
		int users = module_refcount(THIS_MODULE);

		if (users <= 0) {
			cm_hold_refuse();
			/* There may have been one meanwhile, for a moment. */
			if (module_refcount(THIS_MODULE) <= 0)
				return;
			WRITE_ONCE(cm_hold_refused, false);
			continue;
		}
		if (!told)
			pr_warn("rmmod --force: in use by %d: it is protected as before, and goes when they have gone\n",
				users);
		told = true;
		set_current_state(TASK_IDLE | TASK_FREEZABLE);
		schedule_timeout(HZ / 10);
	}
}
