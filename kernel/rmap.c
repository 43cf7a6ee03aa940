// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmap: see rmap.h.
 */
#include <linux/fs.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/xarray.h>

#include "domain.h"
#include "rmap.h"

static unsigned long cm_vma_first(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static unsigned long cm_vma_last(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

/* The kernel's own functions on such a tree are not exported. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long,
		     shared.rb_subtree_last, cm_vma_first, cm_vma_last,
		     static __maybe_unused, cm_vma_tree)

/* The inode's i_mmap_rwsem is held. */
static void cm_rmap_zap_page(struct cm_domain *d, pgoff_t pgoff)
{
	struct address_space *mapping = d->inode->i_mapping;
	struct vm_area_struct *vma;

	for (vma = cm_vma_tree_iter_first(&mapping->i_mmap, pgoff, pgoff); vma;
	     vma = cm_vma_tree_iter_next(vma, pgoff, pgoff))
		if (vma->vm_mm == d->mm)
			zap_vma_ptes(vma, vma->vm_start +
				     ((pgoff - vma->vm_pgoff) << PAGE_SHIFT),
				     PAGE_SIZE);
}

/**
 * cm_rmap_zap() - have nobody reach a frame through a page table any more
 * @d: the domain; map_lock is held
 * @pgoff: its page
 *
 * As unmap_mapping_range(), but not for the relatives, whose VMAs hang on the
 * same inode: what they have mapped there are frames of their own.
 *
 * Context: process context, may sleep; perhaps with an mmap_lock held.
 */
void cm_rmap_zap(struct cm_domain *d, pgoff_t pgoff)
{
	lockdep_assert_held(&d->map_lock);
	i_mmap_lock_read(d->inode->i_mapping);
	cm_rmap_zap_page(d, pgoff);
	i_mmap_unlock_read(d->inode->i_mapping);
}

/**
 * cm_rmap_try_zap_all() - the same for all frames, without waiting for anybody
 * @d: the domain; without map_lock more may be mapped right after this
 *
 * Context: process context, may sleep; perhaps with an mmap_lock held.
 * Return: whether it is done: no relative holds the inode's lock, or waits for it.
 */
bool cm_rmap_try_zap_all(struct cm_domain *d)
{
	struct cm_frame *f;
	unsigned long at;

	if (!i_mmap_trylock_read(d->inode->i_mapping))
		return false;
	/* Under RCU for each step; what it finds may be gone by then. */
	xa_for_each(&d->window.frames, at, f)
		cm_rmap_zap_page(d, at);
	i_mmap_unlock_read(d->inode->i_mapping);
	return true;
}
