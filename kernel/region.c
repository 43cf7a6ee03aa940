// SPDX-License-Identifier: GPL-2.0-only
/*
 * region: see region.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "access.h"
#include "compat.h"
#include "contents.h"
#include "domain.h"
#include "guard.h"
#include "instruments.h"
#include "limits.h"
#include "region.h"
#include "touch.h"

/**
 * struct cm_copy - pages that one VMA more maps: mremap() does that for a moment,
 * or, where it has no memory to unmap what it has moved, for good
 * @link: in cm_domain.copies; under map_lock
 * @first: first page
 * @pages: how many
 * @forked: under fork(): the child has one of the VMAs
 */
struct cm_copy {
	struct list_head link;
	pgoff_t first;
	unsigned long pages;
	bool forked;
};

static const struct vm_operations_struct cm_vm_ops;

static struct cm_region *cm_region_of(struct vm_area_struct *vma)
{
	return vma->vm_private_data;
}

static struct cm_region *cm_region_alloc(struct cm_domain *d)
{
	struct cm_region *region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);

	if (!region)
		return NULL;
	region->user = cm_limits_user_get(current_uid());
	if (!region->user) {
		kfree(region);
		return NULL;
	}
	refcount_set(&region->ref, 1);
	region->domain = d;
	return region;
}

static void cm_region_free(struct cm_region *region)
{
	cm_limits_user_put(region->user);
	put_pid(region->tracer);
	kfree(region);
}

/* What is left when a copy has been taken for more than it was, by fork(). */
static void cm_region_forget_copies(struct cm_domain *d)
{
	struct cm_copy *copy, *next;

	list_for_each_entry_safe(copy, next, &d->copies, link)
		kfree(copy);
	INIT_LIST_HEAD(&d->copies);
}

/* Drops a VMA's share. Call without map_lock. */
static void cm_region_put(struct cm_region *region)
{
	struct cm_domain *d = region->domain;

	if (!refcount_dec_and_test(&region->ref))
		return;
	mutex_lock(&d->map_lock);
	cm_contents_del_region(d, region->user);
	if (!d->regions)
		cm_region_forget_copies(d);
	mutex_unlock(&d->map_lock);
	cm_region_free(region);
	cm_domain_user_put(d);
}

static void cm_region_cover_again(struct cm_domain *d, pgoff_t first,
				  unsigned long pages)
{
	struct cm_copy *copy;

	copy = kzalloc(sizeof(*copy), GFP_KERNEL | __GFP_NOFAIL);
	copy->first = first;
	copy->pages = pages;
	list_add(&copy->link, &d->copies);
}

/* What several VMAs map, several of the child map. After its region is added. */
static void cm_region_fork_copies(struct cm_domain *parent,
				  struct cm_domain *child, pgoff_t first,
				  pgoff_t last)
{
	struct cm_copy *copy;

	list_for_each_entry(copy, &parent->copies, link) {
		pgoff_t from = max(copy->first, first);
		pgoff_t to = min(copy->first + copy->pages - 1, last);

		if (child->regions == 1)
			copy->forked = false;
		if (from > to)
			continue;
		if (copy->forked)
			cm_region_cover_again(child, from, to - from + 1);
		copy->forked = true;
	}
}

/*
 * fork(): the parent's window is put out, which also takes the pages out of its
 * page table; then the child gets the descriptors. Some kernels have copied the
 * page table already: the child must have none of the parent's frames.
 */
static void cm_region_fork(struct vm_area_struct *vma)
{
	struct cm_region *region = cm_region_of(vma), *copy;
	struct cm_domain *parent = region->domain, *child;
	unsigned long pages = vma_pages(vma);
	int err = -ENOMEM;

	mutex_lock(&parent->map_lock);
	zap_vma_ptes(vma, vma->vm_start, vma->vm_end - vma->vm_start);
	cm_window_put_out(parent, NULL);
	child = cm_domain_fork(parent, vma->vm_mm);
	copy = IS_ERR(child) ? NULL : cm_region_alloc(child);
	if (copy) {
		mutex_lock_nested(&child->map_lock, SINGLE_DEPTH_NESTING);
		err = cm_contents_add_region(child, copy->user, pages, true);
		if (!err) {
			/* What has ended does not begin again in a child. */
			if (cm_guard_exempts(region))
				copy->tracer = get_pid(region->tracer);
			cm_instruments_cover(child, vma->vm_start, vma->vm_end);
			copy->epoch = atomic64_read(&child->epoch);
			child->exempting |= !!copy->tracer;
			cm_region_fork_copies(parent, child, vma->vm_pgoff,
					      vma->vm_pgoff + pages - 1);
			err = cm_contents_share(parent, child, vma->vm_pgoff,
						vma->vm_pgoff + pages - 1);
			if (err)
				WRITE_ONCE(child->broken, true);
		} else {
			cm_region_free(copy);
			copy = NULL;
		}
		mutex_unlock(&child->map_lock);
	}
	mutex_unlock(&parent->map_lock);
	if (!copy && !IS_ERR(child))
		cm_domain_user_put(child);
	if (err)
		pr_warn_ratelimited("%s[%d]: fork: a region could not be copied: error %d: the child gets SIGBUS there\n",
				    current->comm, task_tgid_nr(current), err);
	vma->vm_private_data = copy;
}

static void cm_region_open(struct vm_area_struct *vma)
{
	struct cm_region *region = cm_region_of(vma);
	struct vm_area_struct *old;
	struct cm_domain *d;

	if (!region)
		return;
	d = region->domain;
	if (vma->vm_mm != d->mm) {
		cm_region_fork(vma);
		return;
	}
	refcount_inc(&region->ref);
	mutex_lock(&d->map_lock);
	cm_instruments_cover(d, vma->vm_start, vma->vm_end);
	mutex_unlock(&d->map_lock);
	/* A split is still covered by the whole, a copy by mremap() is not. */
	old = vma_lookup(vma->vm_mm, vma->vm_start);
	if (old && cm_region_of(old) == region)
		return;
	mutex_lock(&d->map_lock);
	cm_region_cover_again(d, vma->vm_pgoff, vma_pages(vma));
	d->mapped_pages += vma_pages(vma);
	cm_limits_force(region->user, 0, vma_pages(vma));
	mutex_unlock(&d->map_lock);
}

/* Take a range, all of it in the copy, out of the copy. */
static void cm_region_cut(struct cm_domain *d, struct cm_copy *copy,
			  pgoff_t first, pgoff_t last)
{
	pgoff_t end = copy->first + copy->pages - 1;

	if (last < end)
		cm_region_cover_again(d, last + 1, end - last);
	copy->pages = first - copy->first;
	if (copy->pages)
		return;
	list_del(&copy->link);
	kfree(copy);
}

/* A VMA is gone: forget those of its pages that no other one maps. */
static void cm_region_uncover(struct cm_domain *d, pgoff_t first, pgoff_t last)
{
	while (first <= last) {
		struct cm_copy *copy, *next = NULL;
		pgoff_t from = last + 1, to = last;

		list_for_each_entry(copy, &d->copies, link) {
			if (copy->first + copy->pages <= first ||
			    max(copy->first, first) >= from)
				continue;
			next = copy;
			from = max(copy->first, first);
			to = min(copy->first + copy->pages - 1, last);
		}
		if (from > first)
			cm_contents_erase(d, first, from - 1);
		if (next) {
			/* Frames know the region by which they were filled. */
			cm_window_put_out(d, NULL);
			cm_region_cut(d, next, from, to);
		}
		first = to + 1;
	}
}

static void cm_region_close(struct vm_area_struct *vma)
{
	struct cm_region *region = cm_region_of(vma);
	unsigned long pages = vma_pages(vma);
	struct cm_domain *d;

	if (!region)
		return;
	d = region->domain;
	/* A split that fails closes an empty VMA, without a pgoff of its own. */
	if (pages) {
		mutex_lock(&d->map_lock);
		cm_region_uncover(d, vma->vm_pgoff, vma->vm_pgoff + pages - 1);
		d->mapped_pages -= pages;
		cm_limits_uncharge(region->user, 0, pages);
		mutex_unlock(&d->map_lock);
	}
	cm_region_put(region);
}

/*
 * KVM on arm64, before 6.1.191 and 6.12.113, takes what has no struct pages for one
 * range of physical addresses that begins at vm_pgoff, and, where a huge page would
 * begin both there and here, gives a guest all of that: RAM around a frame.
 */
static bool cm_region_looks_linear(struct vm_area_struct *vma, pgoff_t pgoff)
{
	return ALIGN(vma->vm_start, PMD_SIZE) < vma->vm_end &&
	       ((vma->vm_start >> PAGE_SHIFT) - pgoff) %
			       (PMD_SIZE >> PAGE_SHIFT) == 0;
}

/* mremap() takes it back then. */
static int cm_region_moved(struct vm_area_struct *vma)
{
	return cm_region_looks_linear(vma, vma->vm_pgoff) ? -EINVAL : 0;
}

static const struct vm_operations_struct cm_vm_ops = {
	.open = cm_region_open,
	.close = cm_region_close,
	.mremap = IS_ENABLED(CONFIG_ARM64) ? cm_region_moved : NULL,
	.fault = cm_touch_fault,
	.pfn_mkwrite = cm_touch_mkwrite,
	.access = cm_access_read,
};

/**
 * cm_region_mmap() - make a region
 * @d: the domain of the caller, live
 * @vma: what is being mapped
 *
 * Context: process context, may sleep, the mmap_lock is held for writing.
 * Return: 0; -EPERM not the process that opened the device; -EINVAL not
 * MAP_SHARED or not at offset 0; -EACCES executable; -EDQUOT, -ENOMEM, -ENFILE;
 * -EBUSY while the machine hibernates, or ends; -EOVERFLOW when the process has used up
 * all offsets (of 2^51 pages).
 */
int cm_region_mmap(struct cm_domain *d, struct vm_area_struct *vma)
{
	unsigned long pages = vma_pages(vma);
	struct cm_region *region;
	pgoff_t pgoff;
	int err;

	if (current->mm != d->mm || vma->vm_mm != d->mm)
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	region = cm_region_alloc(d);
	if (!region)
		return -ENOMEM;

	mutex_lock(&d->map_lock);
	pgoff = d->next_pgoff;
	pgoff += cm_region_looks_linear(vma, pgoff);
	if (pgoff + pages > (ULONG_MAX >> (PAGE_SHIFT + 1)))
		err = -EOVERFLOW;
	else
		err = cm_contents_add_region(d, region->user, pages, false);
	if (!err) {
		vma->vm_pgoff = pgoff;
		d->next_pgoff = pgoff + pages;
		cm_instruments_cover(d, vma->vm_start, vma->vm_end);
		region->tracer = cm_guard_tracer(d);
		region->epoch = atomic64_read(&d->epoch);
		if (region->tracer)
			WRITE_ONCE(d->exempting, true);
	}
	mutex_unlock(&d->map_lock);
	if (err) {
		cm_region_free(region);
		return err;
	}
	cm_domain_user_get(d);
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = region;
	vma->vm_ops = &cm_vm_ops;
	return 0;
}

/**
 * cm_region_covers() - whether a range lies in one region
 * @mm: address space, mmap_lock held
 * @start: first byte
 * @end: behind the last byte
 *
 * Return: whether it does.
 */
bool cm_region_covers(struct mm_struct *mm, unsigned long start,
		      unsigned long end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);

	return vma && vma->vm_ops == &cm_vm_ops && end <= vma->vm_end;
}

/**
 * cm_region_discard() - have pages read as zero again, and free what they hold
 * @d: the domain of the caller
 * @start: first byte, page aligned
 * @len: bytes, page aligned, not 0
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOMEM when part of it is no region of the caller: what comes
 * before that has been discarded; -EINTR.
 */
int cm_region_discard(struct cm_domain *d, unsigned long start,
		      unsigned long len)
{
	unsigned long end = start + len, stop;
	struct vm_area_struct *vma;
	struct cm_region *region;
	pgoff_t first;
	int err = 0;

	if (mmap_read_lock_killable(d->mm))
		return -EINTR;
	while (start < end) {
		vma = vma_lookup(d->mm, start);
		region = vma && vma->vm_ops == &cm_vm_ops ? cm_region_of(vma) :
							    NULL;
		if (!region || region->domain != d) {
			err = -ENOMEM;
			break;
		}
		stop = min(end, vma->vm_end);
		first = linear_page_index(vma, start);
		mutex_lock(&d->map_lock);
		zap_vma_ptes(vma, start, stop - start);
		cm_contents_erase(d, first,
				  first + ((stop - start) >> PAGE_SHIFT) - 1);
		mutex_unlock(&d->map_lock);
		start = stop;
	}
	mmap_read_unlock(d->mm);
	return err;
}
