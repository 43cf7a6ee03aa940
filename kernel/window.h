/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * window: the frames of a domain, the only memory that ever holds plaintext.
 *
 * A frame stands for one page of the domain while it is mapped. Page tables are
 * changed only in process context, with map_lock held; a context switch only
 * changes the contents: sealing encrypts a dirty frame where it is, a clean one
 * it only wipes; unsealing decrypts (frame.h). So the invariants:
 *
 *  - frames hold plaintext if and only if ->plain; else ciphertext, or zero;
 *  - a frame whose page table entry can be written is ->dirty, and has a
 *    descriptor that nobody shares, under the domain's own key;
 *  - the store pages of all frames are pinned.
 *
 * Every function here wants map_lock held, except those for the scheduler, for
 * those who count, and cm_window_hold().
 */
#ifndef _CM_WINDOW_H
#define _CM_WINDOW_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "growth.h"

struct cm_domain;
struct cm_frame;
struct cm_region;
struct page;

/**
 * struct cm_window - the frames of a domain
 * @list: all of them that stand for a page
 * @frames: pgoff -> struct cm_frame; under map_lock
 * @count: how many there are
 * @limit: how many there may be; under map_lock
 * @plain: see above; under the domain's lock
 * @held: it stays sealed although its owner runs, until who serves a fault, or goes
 *	to user mode, puts it out; under the domain's lock
 * @torn: some of it was mapped all the same; under the domain's lock
 * @bad: some frame is bad: it must be unmapped before its owner is in user mode
 * @lost: some have been unmapped already, and the owner does not know; under
 *	map_lock
 * @plain_since: when it last became plain, or the first frame came into it while
 *	it was; under the domain's lock
 * @unsealed_at: when it was unsealed last; under the domain's lock
 * @sealed_at: jiffies at the last seal at a switch
 * @departures: times that the last task that ran left its CPU; under the domain's
 *	lock
 * @age_in: departures until the next round of ageing; under the domain's
 *	lock
 * @age_due: it is time for one, see idle.h
 * @age_every: departures from one round to the next; under map_lock
 * @aged: frames that the last round put out; under map_lock
 * @missed: how many of those have come back; under map_lock
 * @growth: whether it is too small, see growth.h
 */
struct cm_window {
	struct list_head list;
	struct xarray frames;
	unsigned int count;
	unsigned int limit;
	bool plain;
	bool held;
	bool torn;
	bool bad;
	bool lost;
	u64 plain_since;
	u64 unsealed_at;
	unsigned long sealed_at;
	u64 departures;
	unsigned int age_in;
	bool age_due;
	unsigned int age_every;
	unsigned int aged;
	unsigned int missed;
	struct cm_growth growth;
};

/* Of cm_domain.pages: put out by the last round of ageing, not back since. */
#define CM_AGED		XA_MARK_0

void cm_window_setup(struct cm_window *w);
void cm_window_teardown(struct cm_window *w);
int cm_window_resize(struct cm_domain *d, unsigned int limit);

int cm_window_add(struct cm_domain *d, struct cm_frame *f);
struct cm_frame *cm_window_evict(struct cm_domain *d);
void cm_window_put_out(struct cm_domain *d,
		       bool (*keep)(struct cm_region *region));
bool cm_window_try_put_out(struct cm_domain *d);
void cm_window_hold(struct cm_domain *d, bool mapped);
void cm_window_let_go(struct cm_domain *d);
bool cm_window_put_out_bad(struct cm_domain *d);
u64 cm_window_put_out_old(struct cm_domain *d, u64 before);
void cm_window_throw_away(struct cm_domain *d, pgoff_t first, pgoff_t last);

/* For the scheduler's hooks: the domain's lock held, irqs off. */
void cm_window_grow_older(struct cm_domain *d);
void cm_window_seal(struct cm_domain *d);
void cm_window_unseal(struct cm_domain *d);

/* For those who count. */
void cm_window_count_plain(struct cm_domain *d);

/* For a kernel that has come to its end. */
void cm_window_wipe(struct cm_domain *d);

#endif /* _CM_WINDOW_H */
