/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expiry: with max_plain_us, no page stays plaintext for long although its owner
 * runs on. One that has been is put out; when it is touched, it comes back.
 *
 * A timer of the domain says when the oldest is due. It has every task that runs
 * do the work on its way to user mode. A domain that was sealed meanwhile starts
 * anew when it is unsealed.
 *
 * Locks: cm_domain.lock, under it the timer's own; the timer's function takes the
 * former.
 */
#ifndef _CM_EXPIRY_H
#define _CM_EXPIRY_H

#include <linux/hrtimer.h>
#include <linux/types.h>

struct cm_domain;

/**
 * struct cm_expiry - when the oldest page of a window is due
 * @timer: goes off then
 * @armed: it will; under the domain's lock
 * @due: it has: the work is to be done
 */
struct cm_expiry {
	struct hrtimer timer;
	bool armed;
	bool due;
};

void cm_expiry_setup(struct cm_expiry *e);
void cm_expiry_cancel(struct cm_expiry *e);

u64 cm_expiry_limit(void);
void cm_expiry_arm(struct cm_domain *d);
void cm_expiry_put_out(struct cm_domain *d);

#endif /* _CM_EXPIRY_H */
