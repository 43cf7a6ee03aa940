/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rmap: where a page of a domain is mapped.
 *
 * Locks: map_lock, which is held here, is outside the inode's i_mmap_rwsem.
 */
#ifndef _CM_RMAP_H
#define _CM_RMAP_H

#include <linux/types.h>

struct cm_domain;

void cm_rmap_zap(struct cm_domain *d, pgoff_t pgoff);
bool cm_rmap_try_zap_all(struct cm_domain *d);

#endif /* _CM_RMAP_H */
