/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * grace: with grace_us, a domain stays plaintext for so long after the last of
 * its running tasks has left its CPU, and is not sealed at all if one comes back
 * meanwhile. P1 then holds only when that time is over; so it is 0 by default.
 *
 * While it lasts nobody runs, and the window is plain: for everybody else as if
 * the owner ran on another CPU. A timer of the domain ends it.
 *
 * Locks: cm_domain.lock, under it the timer's own. The timer's function takes
 * cm_domain.lock.
 */
#ifndef _CM_GRACE_H
#define _CM_GRACE_H

#include <linux/hrtimer.h>
#include <linux/types.h>

struct cm_domain;

/**
 * struct cm_grace - a domain that nobody runs in, and that is not sealed yet
 * @timer: looks whether it is time
 * @armed: it will; under the domain's lock
 * @since: when the last task left its CPU, in ktime_get_mono_fast_ns()'s
 *	nanoseconds; under the domain's lock
 */
struct cm_grace {
	struct hrtimer timer;
	bool armed;
	u64 since;
};

void cm_grace_setup(struct cm_grace *g);
void cm_grace_cancel(struct cm_grace *g);

bool cm_grace_begin(struct cm_domain *d);
void cm_grace_suspend(bool suspend);

#endif /* _CM_GRACE_H */
