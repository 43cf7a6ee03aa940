// SPDX-License-Identifier: GPL-2.0-only
/*
 * grace: see grace.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "cipher.h"
#include "domain.h"
#include "grace.h"
#include "hold.h"

/* A machine that is about to sleep has all sealed long before it does. */
#define CM_GRACE_MAX_US	10000U

/* The vector registers are somebody else's: look again then. */
#define CM_GRACE_RETRY_NS	(20 * NSEC_PER_USEC)

static unsigned int grace_us;
static bool cm_grace_suspended;

static void cm_grace_seal(struct cm_domain *d, void *arg)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	if (!d->running)
		cm_window_seal(d);
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/* Those, too, whose grace was longer when it began. */
static int cm_grace_set(const char *val, const struct kernel_param *kp)
{
	unsigned int before = grace_us;
	int err = param_set_uint_minmax(val, kp, 0, CM_GRACE_MAX_US);

	if (err)
		return err;
	if (grace_us && !before)
		pr_notice_ratelimited("grace_us=%u: memory stays plaintext for so long after its owner has left its CPU\n",
				      grace_us);
	/* Parameters can be written until after the module's exit function. */
	if (grace_us < before && cm_hold()) {
		cm_domain_for_each(cm_grace_seal, NULL);
		cm_hold_end();
	}
	return 0;
}

static const struct kernel_param_ops cm_grace_ops = {
	.set = cm_grace_set,
	.get = param_get_uint,
};

module_param_cb(grace_us, &cm_grace_ops, &grace_us, 0644);
__MODULE_PARM_TYPE(grace_us, "uint");
MODULE_PARM_DESC(grace_us, "not strict: memory is sealed only so long after its owner has left its CPU, 0: before anybody else runs there (0; at most 10000)");

/* Nanoseconds; 0: strict. */
static u64 cm_grace_limit(void)
{
	u64 limit = (u64)READ_ONCE(grace_us) * NSEC_PER_USEC, plain;

	if (likely(!limit) || READ_ONCE(cm_grace_suspended))
		return 0;
	plain = cm_expiry_limit();
	return plain ? min(limit, plain) : limit;
}

/* In how many nanoseconds to look again; 0: no need. The domain's lock is held. */
static u64 cm_grace_end(struct cm_domain *d)
{
	u64 limit = cm_grace_limit(), age;

	if (d->running || !d->window.plain)
		return 0;
	age = ktime_get_mono_fast_ns() - d->grace.since;
	if (age < limit)
		return limit - age;
	if (!cm_cipher_may_run())
		return CM_GRACE_RETRY_NS;
	cm_window_seal(d);
	return 0;
}

/* A softirq: the crypto API does not work in an interrupt. */
static enum hrtimer_restart cm_grace_over(struct hrtimer *timer)
{
	struct cm_grace *g = container_of(timer, struct cm_grace, timer);
	struct cm_domain *d = container_of(g, struct cm_domain, grace);
	unsigned long flags;
	u64 ns;

	raw_spin_lock_irqsave(&d->lock, flags);
	ns = cm_grace_end(d);
	g->armed = ns;
	raw_spin_unlock_irqrestore(&d->lock, flags);
	if (!ns)
		return HRTIMER_NORESTART;
	hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), ns));
	return HRTIMER_RESTART;
}

/**
 * cm_grace_setup() - prepare a domain's timer
 * @g: the timer
 *
 * Context: any.
 */
void cm_grace_setup(struct cm_grace *g)
{
	hrtimer_init(&g->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
	g->timer.function = cm_grace_over;
}

/**
 * cm_grace_cancel() - have no timer run any more
 * @g: the timer, of a domain that nobody else can reach
 *
 * Context: process context, may sleep.
 */
void cm_grace_cancel(struct cm_grace *g)
{
	hrtimer_cancel(&g->timer);
}

/**
 * cm_grace_begin() - the last running task of a domain leaves its CPU
 * @d: the domain; its lock is held
 *
 * Context: the scheduler's: under the run-queue lock, irqs off.
 * Return: whether the timer will seal it; else it is the caller's to do.
 */
bool cm_grace_begin(struct cm_domain *d)
{
	u64 limit = cm_grace_limit();

	if (!limit || !d->window.count)
		return false;
	d->grace.since = ktime_get_mono_fast_ns();
	if (!d->grace.armed) {
		d->grace.armed = true;
		hrtimer_start(&d->grace.timer, ns_to_ktime(limit),
			      HRTIMER_MODE_REL_PINNED_SOFT);
	}
	return true;
}

/**
 * cm_grace_suspend() - no timer goes off in a machine that sleeps
 * @suspend: it is about to; or not any more
 *
 * Context: process context, may sleep.
 */
void cm_grace_suspend(bool suspend)
{
	WRITE_ONCE(cm_grace_suspended, suspend);
	if (suspend)
		cm_domain_for_each(cm_grace_seal, NULL);
}
