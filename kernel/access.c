// SPDX-License-Identifier: GPL-2.0-only
/*
 * access: see access.h.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "access.h"
#include "domain.h"
#include "frame.h"
#include "region.h"
#include "store.h"
#include "window.h"

/*
 * The ciphertext in the store or in the frame if there is one that is current,
 * else the page encrypted on the spot under a nonce of its own. A page never
 * written is noise. 0, or -ENOMEM or -EIO.
 */
static int cm_access_ciphertext(struct cm_domain *d, pgoff_t pgoff,
				struct page *out)
{
	struct cm_frame *f = xa_load(&d->window.frames, pgoff);
	struct cm_page *pg = xa_load(&d->pages, pgoff);
	unsigned long flags;
	struct page *store;
	int err;

	lockdep_assert_held(&d->map_lock);
	if (!pg) {
		get_random_bytes(page_address(out), PAGE_SIZE);
		return 0;
	}
	if (f) {
		/* Not on the stack, which a scatterlist cannot take. */
		u8 *tag = kmalloc(CM_TAG_SIZE, GFP_KERNEL);

		if (!tag)
			return -ENOMEM;
		raw_spin_lock_irqsave(&d->lock, flags);
		err = cm_frame_ciphertext(d, f, out, tag);
		raw_spin_unlock_irqrestore(&d->lock, flags);
		kfree(tag);
		if (err != -ENODATA)
			return err;
	}
	store = cm_store_pin(pg);
	if (IS_ERR(store))
		return PTR_ERR(store);
	memcpy(page_address(out), page_address(store), PAGE_SIZE);
	cm_store_unpin(store, false);
	return 0;
}

/**
 * cm_access_read() - vm_operations_struct.access of a region
 * @vma: a VMA of the region
 * @addr: first byte
 * @buf: for what is there
 * @len: bytes; no more than the page has are read
 * @write: they are to be written
 *
 * A program can have others read its regions who do not know that, such as ps(1):
 * they can be killed as they wait for one that works on them.
 *
 * Context: process context, may sleep; the mmap_lock is held for reading.
 * Return: bytes read; -EACCES for writing; -EFAULT, -ENOMEM, -EIO, -EINTR.
 */
int cm_access_read(struct vm_area_struct *vma, unsigned long addr, void *buf,
		   int len, int write)
{
	struct cm_region *region = vma->vm_private_data;
	unsigned long offset = offset_in_page(addr);
	struct cm_domain *d;
	struct page *page;
	int err;

	if (!region)
		return -EFAULT;
	d = region->domain;
	atomic64_inc(&d->counts.refused);
	if (write)
		return -EACCES;
	len = min_t(unsigned long, len, PAGE_SIZE - offset);
	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	err = mutex_lock_killable(&d->map_lock);
	if (!err) {
		err = cm_access_ciphertext(d, linear_page_index(vma, addr),
					   page);
		mutex_unlock(&d->map_lock);
	}
	if (!err)
		memcpy(buf, page_address(page) + offset, len);
	__free_page(page);
	return err ?: len;
}
