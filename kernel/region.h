/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * region: a protected range of addresses.
 *
 * A region is what one mmap() of the device made, or what is left of it: its
 * VMA may be split, cut, moved. Pages are named by vm_pgoff, which stays with
 * them through all that, and which is unique within the domain.
 *
 * The VMA is VM_PFNMAP | VM_IO: get_user_pages() refuses it, so nothing can pin
 * it, swap it, or read it from another process; core dumps skip it. What is
 * left to outsiders is vm_ops->access, which gives them ciphertext: access.h.
 *
 * Locks: takes map_lock, under the mmap_lock; fork() the child's as well, under
 * its parent's.
 */
#ifndef _CM_REGION_H
#define _CM_REGION_H

#include <linux/refcount.h>

struct cm_domain;
struct cm_user;
struct mm_struct;
struct pid;
struct vm_area_struct;

/**
 * struct cm_region - what the VMAs of one mmap() have in common
 * @ref: VMAs
 * @domain: the domain, of which this is a user
 * @user: the account that its pages are charged to: of who made it
 * @tracer: thread group that was tracing when the region was made, and has been
 *	ever since: the owner may use the region under it; else NULL. Under
 *	map_lock
 * @epoch: the domain's, when the region was made
 */
struct cm_region {
	refcount_t ref;
	struct cm_domain *domain;
	struct cm_user *user;
	struct pid *tracer;
	u64 epoch;
};

int cm_region_mmap(struct cm_domain *d, struct vm_area_struct *vma);
bool cm_region_covers(struct mm_struct *mm, unsigned long start,
		      unsigned long end);
int cm_region_discard(struct cm_domain *d, unsigned long start,
		      unsigned long len);

#endif /* _CM_REGION_H */
