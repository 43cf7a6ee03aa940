/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * contents: what a domain holds: as long as it has regions a key, a store, and a
 * descriptor for each page that was ever written.
 *
 * Locks: all under cm_domain.map_lock.
 */
#ifndef _CM_CONTENTS_H
#define _CM_CONTENTS_H

#include <linux/types.h>

struct cm_domain;
struct cm_user;

int cm_contents_add_region(struct cm_domain *d, struct cm_user *user,
			   unsigned long pages, bool inherited);
void cm_contents_del_region(struct cm_domain *d, struct cm_user *user);
void cm_contents_erase(struct cm_domain *d, pgoff_t first, pgoff_t last);
void cm_contents_drop(struct cm_domain *d);
int cm_contents_share(struct cm_domain *parent, struct cm_domain *child,
		      pgoff_t first, pgoff_t last);

#endif /* _CM_CONTENTS_H */
