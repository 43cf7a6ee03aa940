// SPDX-License-Identifier: GPL-2.0-only
/*
 * expiry: see expiry.h.
 */
#include <linux/ktime.h>
#include <linux/module.h>

#include "domain.h"
#include "expiry.h"
#include "hold.h"
#include "kick.h"

static unsigned int max_plain_us;

static void cm_expiry_set_due(struct cm_domain *d, void *arg)
{
	unsigned long flags;

	/* A task that is counted after this sees it, one before is kicked. */
	raw_spin_lock_irqsave(&d->lock, flags);
	WRITE_ONCE(d->expiry.due, true);
	raw_spin_unlock_irqrestore(&d->lock, flags);
	cm_kick_running(d);
}

/* For those, too, that go on without a fault. */
static int cm_expiry_set_limit(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint(val, kp);

	/* Parameters can be written until after the module's exit function. */
	if (!err && cm_hold()) {
		cm_domain_for_each(cm_expiry_set_due, NULL);
		cm_hold_end();
	}
	return err;
}

static const struct kernel_param_ops cm_expiry_limit_ops = {
	.set = cm_expiry_set_limit,
	.get = param_get_uint,
};

module_param_cb(max_plain_us, &cm_expiry_limit_ops, &max_plain_us, 0644);
__MODULE_PARM_TYPE(max_plain_us, "uint");
MODULE_PARM_DESC(max_plain_us, "a page that has been plaintext for so long is sealed while its owner runs, 0: never (0; at least 100)");

/* An owner must get on between two faults. */
#define CM_PLAIN_MIN_US	100U

/**
 * cm_expiry_limit() - for how long a page may be plaintext
 *
 * Context: any.
 * Return: nanoseconds; 0: for as long as the owner runs.
 */
u64 cm_expiry_limit(void)
{
	unsigned int us = READ_ONCE(max_plain_us);

	return us ? (u64)max(us, CM_PLAIN_MIN_US) * NSEC_PER_USEC : 0;
}

/* Interrupts are off. */
static enum hrtimer_restart cm_expiry_due(struct hrtimer *timer)
{
	struct cm_expiry *e = container_of(timer, struct cm_expiry, timer);
	struct cm_domain *d = container_of(e, struct cm_domain, expiry);
	bool plain;

	raw_spin_lock(&d->lock);
	e->armed = false;
	plain = d->window.plain && d->window.count;
	if (plain)
		WRITE_ONCE(e->due, true);
	raw_spin_unlock(&d->lock);
	if (plain)
		cm_kick_running(d);
	return HRTIMER_NORESTART;
}

/**
 * cm_expiry_setup() - prepare a domain's timer
 * @e: the timer
 *
 * Context: any.
 */
void cm_expiry_setup(struct cm_expiry *e)
{
	hrtimer_init(&e->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED);
	e->timer.function = cm_expiry_due;
}

/**
 * cm_expiry_cancel() - have no timer run any more
 * @e: the timer, of a domain that nobody else can reach
 *
 * Context: process context, may sleep.
 */
void cm_expiry_cancel(struct cm_expiry *e)
{
	hrtimer_cancel(&e->timer);
}

/* @sooner: whenever the timer is to go off now */
static void cm_expiry_start(struct cm_domain *d, u64 ns, bool sooner)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	if ((sooner || !d->expiry.armed) && d->window.plain &&
	    d->window.count) {
		d->expiry.armed = true;
		hrtimer_start(&d->expiry.timer, ns_to_ktime(ns),
			      HRTIMER_MODE_REL_PINNED);
	}
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/**
 * cm_expiry_arm() - there may be plaintext from now on
 * @d: the domain
 *
 * Context: any but under the run-queue lock; on a CPU where a task of the domain
 * runs.
 */
void cm_expiry_arm(struct cm_domain *d)
{
	u64 limit = cm_expiry_limit();

	if (unlikely(limit))
		cm_expiry_start(d, limit, false);
}

/**
 * cm_expiry_put_out() - put out the pages that have been plaintext for too long
 * @d: the domain; map_lock is held
 *
 * Context: process context of a running owner, may sleep.
 */
void cm_expiry_put_out(struct cm_domain *d)
{
	u64 limit, now, oldest;
	unsigned long flags;

	WRITE_ONCE(d->expiry.due, false);
	/* A limit that is set after it is read makes the work due anew. */
	smp_mb();
	limit = cm_expiry_limit();
	now = ktime_get_mono_fast_ns();
	if (!limit)
		return;
	oldest = cm_window_put_out_old(d, now > limit ? now - limit : 0);
	if (oldest) {
		cm_expiry_start(d, oldest + limit - now, true);
		return;
	}
	/* It may be armed for long from now, by a limit that was larger. */
	raw_spin_lock_irqsave(&d->lock, flags);
	d->expiry.armed = false;
	raw_spin_unlock_irqrestore(&d->lock, flags);
}
