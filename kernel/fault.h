/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault: what a touch of a page that is not mapped comes to.
 *
 * It gets a frame, a new one or that of the page that has been in the window
 * for longest; and before it may be written, a descriptor of its own.
 *
 * Locks: everything here wants map_lock held.
 */
#ifndef _CM_FAULT_H
#define _CM_FAULT_H

#include <linux/types.h>

struct cm_domain;
struct cm_region;
struct page;

int cm_fault_page(struct cm_domain *d, struct cm_region *region,
		  pgoff_t pgoff, bool write, struct page **page, bool *rw);

#endif /* _CM_FAULT_H */
