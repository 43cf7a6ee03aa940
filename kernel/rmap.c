// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmap: see rmap.h.
 */
#include <linux/fs.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>

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
	struct address_space *mapping = d->inode->i_mapping;
	struct vm_area_struct *vma;

	lockdep_assert_held(&d->map_lock);
	i_mmap_lock_read(mapping);
	for (vma = cm_vma_tree_iter_first(&mapping->i_mmap, pgoff, pgoff); vma;
	     vma = cm_vma_tree_iter_next(vma, pgoff, pgoff))
		if (vma->vm_mm == d->mm)
			zap_vma_ptes(vma, vma->vm_start +
				     ((pgoff - vma->vm_pgoff) << PAGE_SHIFT),
				     PAGE_SIZE);
	i_mmap_unlock_read(mapping);
}

/**
 * cm_rmap_try_zap_all() - the same for all that a domain has mapped
 * @d: the domain; without map_lock more may be mapped right after this
 *
 * Context: process context, may sleep, but waits for nobody; perhaps with an
 * mmap_lock held.
 * Return: whether it is done: nobody holds what a relative may hold for long.
 */
bool cm_rmap_try_zap_all(struct cm_domain *d)
{
	struct address_space *mapping = d->inode->i_mapping;
	struct vm_area_struct *vma;

	if (!i_mmap_trylock_read(mapping))
		return false;
	for (vma = cm_vma_tree_iter_first(&mapping->i_mmap, 0, ULONG_MAX); vma;
	     vma = cm_vma_tree_iter_next(vma, 0, ULONG_MAX))
		if (vma->vm_mm == d->mm)
			zap_vma_ptes(vma, vma->vm_start,
				     vma->vm_end - vma->vm_start);
	i_mmap_unlock_read(mapping);
	return true;
}
