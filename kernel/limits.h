/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limits: how many regions and pages of address space one user may have, over
 * all processes. Memory itself is charged to the memory cgroup of who touches
 * it; this bounds what that cannot see: descriptors' address space. And how
 * often a user may stop the machine.
 *
 * Locks: a spinlock of its own, innermost.
 */
#ifndef _CM_LIMITS_H
#define _CM_LIMITS_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct cm_user;

struct cm_user *cm_limits_user_get(kuid_t uid);
void cm_limits_user_put(struct cm_user *user);

int cm_limits_charge(struct cm_user *user, unsigned long regions,
		     unsigned long pages);
void cm_limits_force(struct cm_user *user, unsigned long regions,
		     unsigned long pages);
void cm_limits_uncharge(struct cm_user *user, unsigned long regions,
			unsigned long pages);

unsigned int cm_limits_place(kuid_t uid, unsigned int of);
int cm_limits_pace(kuid_t uid);
void cm_limits_pace_more(kuid_t uid, u64 ns);
void cm_limits_read(kuid_t uid, u64 *regions, u64 *pages);
u64 cm_limits_max_regions(void);
u64 cm_limits_max_pages(void);

#endif /* _CM_LIMITS_H */
