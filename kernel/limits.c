// SPDX-License-Identifier: GPL-2.0-only
/*
 * limits: see limits.h.
 */
#include <linux/freezer.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "limits.h"

/**
 * struct cm_user - what one user has
 * @node: in cm_users
 * @uid: the user, as the kernel sees it
 * @refs: regions that hold on to this
 * @regions: regions, over all processes
 * @pages: pages that they cover
 */
struct cm_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned int refs;
	unsigned long regions;
	unsigned long pages;
};

static unsigned long max_regions = 65536;
module_param(max_regions, ulong, 0644);
MODULE_PARM_DESC(max_regions, "regions that one user may have, over all processes (65536)");

static unsigned long max_pages = 1UL << 28;
module_param(max_pages, ulong, 0644);
MODULE_PARM_DESC(max_pages, "pages that one user's regions may cover, touched or not (268435456)");

static DEFINE_SPINLOCK(cm_users_lock);
static DEFINE_HASHTABLE(cm_users, 6);

/* Under cm_users_lock. */
static struct cm_user *cm_limits_find(kuid_t uid)
{
	struct cm_user *user;

	hash_for_each_possible(cm_users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/**
 * cm_limits_user_get() - find or make a user's account
 * @uid: the user
 *
 * Context: process context, may sleep.
 * Return: the account, or NULL when out of memory.
 */
struct cm_user *cm_limits_user_get(kuid_t uid)
{
	/* Before: it may take long for one user, and the lock is everybody's. */
	struct cm_user *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	struct cm_user *user;

	if (!new)
		return NULL;
	spin_lock(&cm_users_lock);
	user = cm_limits_find(uid);
	if (!user) {
		user = new;
		new = NULL;
		user->uid = uid;
		hash_add(cm_users, &user->node, __kuid_val(uid));
	}
	user->refs++;
	spin_unlock(&cm_users_lock);
	kfree(new);
	return user;
}

/**
 * cm_limits_user_put() - let go of an account
 * @user: the account
 *
 * Context: process context.
 */
void cm_limits_user_put(struct cm_user *user)
{
	spin_lock(&cm_users_lock);
	if (!--user->refs) {
		hash_del(&user->node);
		kfree(user);
	}
	spin_unlock(&cm_users_lock);
}

/**
 * cm_limits_charge() - account for new regions, within the limits
 * @user: the account
 * @regions: how many regions more
 * @pages: how many pages more
 *
 * Context: process context.
 * Return: 0 or -EDQUOT, nothing changed then.
 */
int cm_limits_charge(struct cm_user *user, unsigned long regions,
		     unsigned long pages)
{
	unsigned long most = READ_ONCE(max_pages);
	int err = -EDQUOT;

	spin_lock(&cm_users_lock);
	if (user->regions + regions <= READ_ONCE(max_regions) &&
	    pages <= most && user->pages <= most - pages) {
		user->regions += regions;
		user->pages += pages;
		err = 0;
	}
	spin_unlock(&cm_users_lock);
	return err;
}

/**
 * cm_limits_force() - account for what cannot be refused
 * @user: the account
 * @regions: how many regions more
 * @pages: how many pages more
 *
 * Context: process context.
 */
void cm_limits_force(struct cm_user *user, unsigned long regions,
		     unsigned long pages)
{
	spin_lock(&cm_users_lock);
	user->regions += regions;
	user->pages += pages;
	spin_unlock(&cm_users_lock);
}

/**
 * cm_limits_uncharge() - account for regions that are gone
 * @user: the account
 * @regions: how many regions less
 * @pages: how many pages less
 *
 * Context: process context.
 */
void cm_limits_uncharge(struct cm_user *user, unsigned long regions,
			unsigned long pages)
{
	cm_limits_force(user, -regions, -pages);
}

/*
 * How often a user may stop the machine in the long run, and at once; and for how
 * long: one part in so many.
 */
#define CM_PACE		max_t(u64, div_u64(HZ, 50), 1)
#define CM_PACE_BURST	10
#define CM_PACE_SHARE	50

/*
 * Until when each user's have been made, at that pace: by a hash, as they are kept
 * when regions have gone. Nobody knows who shares a place with whom.
 */
static u64 cm_paces[4096];

/**
 * cm_limits_place() - a user's place in a table, by a hash that nobody knows
 * @uid: the user
 * @of: how many places there are
 *
 * Context: any.
 * Return: the place.
 */
unsigned int cm_limits_place(kuid_t uid, unsigned int of)
{
	static u32 salt;

	if (!READ_ONCE(salt))
		cmpxchg(&salt, 0, get_random_u32() | 1);
	return jhash_1word(__kuid_val(uid), READ_ONCE(salt)) % of;
}

/* Under cm_users_lock. */
static u64 *cm_limits_pace_of(kuid_t uid)
{
	return &cm_paces[cm_limits_place(uid, ARRAY_SIZE(cm_paces))];
}

/* By suspend, or by a cgroup, of either version. */
static bool cm_limits_freezing(void)
{
	return signal_pending(current) &&
	       (freezing(current) ||
		(READ_ONCE(current->jobctl) & JOBCTL_TRAP_FREEZE));
}

/**
 * cm_limits_pace() - wait until a user may stop the machine once more
 * @uid: the user; root may at once
 *
 * Who waits has not been counted: what has been given up costs nobody anything.
 *
 * Context: process context, may sleep. Nothing should be held.
 * Return: 0; -EINTR when killed; -ERESTARTNOINTR when the task is to be frozen.
 */
int cm_limits_pace(kuid_t uid)
{
	u64 *until, now;

	if (uid_eq(uid, GLOBAL_ROOT_UID))
		return 0;
	for (;;) {
		spin_lock(&cm_users_lock);
		until = cm_limits_pace_of(uid);
		now = get_jiffies_64();
		if (*until <= now + CM_PACE * CM_PACE_BURST)
			break;
		spin_unlock(&cm_users_lock);
		if (fatal_signal_pending(current))
			return -EINTR;
		/* It is to be frozen, and it may be long until it is our turn. */
		if (cm_limits_freezing())
			return -ERESTARTNOINTR;
		schedule_timeout_killable(CM_PACE);
	}
	*until = max(*until, now) + CM_PACE;
	spin_unlock(&cm_users_lock);
	return 0;
}

/**
 * cm_limits_pace_more() - have a user wait for longer before the next time
 * @uid: the user
 * @ns: for how long the machine was stopped
 *
 * Context: process context.
 */
void cm_limits_pace_more(kuid_t uid, u64 ns)
{
	/* Not for ever where a virtual machine had no CPU meanwhile. */
	u64 share = min_t(u64, nsecs_to_jiffies64(ns * CM_PACE_SHARE), HZ);

	if (uid_eq(uid, GLOBAL_ROOT_UID) || share <= CM_PACE)
		return;
	spin_lock(&cm_users_lock);
	*cm_limits_pace_of(uid) += share - CM_PACE;
	spin_unlock(&cm_users_lock);
}

/**
 * cm_limits_read() - what a user has now, over all processes
 * @uid: the user
 * @regions: how many regions
 * @pages: how many pages they cover
 *
 * Context: process context.
 */
void cm_limits_read(kuid_t uid, u64 *regions, u64 *pages)
{
	const struct cm_user *user;

	spin_lock(&cm_users_lock);
	user = cm_limits_find(uid);
	*regions = user ? user->regions : 0;
	*pages = user ? user->pages : 0;
	spin_unlock(&cm_users_lock);
}

/**
 * cm_limits_max_regions() - the limit in force
 *
 * Return: regions per user.
 */
u64 cm_limits_max_regions(void)
{
	return READ_ONCE(max_regions);
}

/**
 * cm_limits_max_pages() - the limit in force
 *
 * Return: pages per user.
 */
u64 cm_limits_max_pages(void)
{
	return READ_ONCE(max_pages);
}
