// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault: see fault.h.
 */
#include <linux/err.h>
#include <linux/refcount.h>

#include "domain.h"
#include "fault.h"
#include "frame.h"
#include "store.h"

/*
 * A frame for one page more. Where there is no room for it that is an old one. It
 * is not worth killing anybody that a window has grown.
 */
static struct cm_frame *cm_fault_get_frame(struct cm_domain *d)
{
	struct cm_window *w = &d->window;
	struct cm_frame *f;

	if (w->count < w->growth.base)
		return cm_frame_alloc(GFP_KERNEL_ACCOUNT);
	if (w->count < w->limit || cm_growth_grow(d)) {
		f = cm_frame_alloc(GFP_KERNEL_ACCOUNT | __GFP_NORETRY |
				   __GFP_NOWARN);
		if (f)
			return f;
		w->limit = w->count;
	}
	return cm_window_evict(d);
}

/* Bring a page in: make room, decrypt. */
static struct cm_frame *cm_fault_bring_in(struct cm_domain *d,
					  struct cm_region *region,
					  pgoff_t pgoff)
{
	struct cm_frame *f = cm_fault_get_frame(d);
	int err;

	if (!f)
		return ERR_PTR(-ENOMEM);
	err = cm_frame_bind(f, d, region, pgoff);
	if (!err)
		err = cm_window_add(d, f);
	if (err) {
		cm_frame_free(f);
		return ERR_PTR(err);
	}
	cm_growth_returned(d, pgoff);
	if (xa_get_mark(&d->pages, pgoff, CM_AGED)) {
		xa_clear_mark(&d->pages, pgoff, CM_AGED);
		d->window.missed++;
	}
	return f;
}

/*
 * Before a frame may be written: give it a descriptor that is ours alone and
 * under our key. A forked relative keeps the old one.
 */
static int cm_fault_make_dirty(struct cm_domain *d, struct cm_frame *f)
{
	struct cm_page *old = f->pg, *pg = old;
	struct page *store = f->store;
	unsigned long flags;

	if (f->dirty)
		return 0;
	if (!pg || refcount_read(&pg->ref) > 1 || pg->key != d->key) {
		int err;

		pg = cm_store_page_create(d->store, d->key);
		if (!pg)
			return -ENOMEM;
		store = cm_store_pin(pg);
		if (IS_ERR(store)) {
			cm_store_page_put(pg);
			return PTR_ERR(store);
		}
		err = xa_err(xa_store(&d->pages, f->pgoff, pg, GFP_KERNEL));
		if (err) {
			cm_store_unpin(store, false);
			cm_store_page_put(pg);
			return err;
		}
		if (!old)
			d->used_pages++;
	}
	raw_spin_lock_irqsave(&d->lock, flags);
	/* A window that is held has wiped it. */
	if (!d->window.plain)
		cm_frame_unseal(d, f);
	swap(f->store, store);
	f->pg = pg;
	f->dirty = true;
	/* While we slept it may have been sealed, and not come back. */
	if (f->bad)
		cm_frame_lose(f);
	if (!d->window.plain)
		cm_frame_seal(d, f);
	raw_spin_unlock_irqrestore(&d->lock, flags);
	if (old != pg && old) {
		cm_store_unpin(store, false);
		cm_store_page_put(old);
	}
	return 0;
}

/**
 * cm_fault_page() - have a page in the window
 * @d: the domain; map_lock is held
 * @region: the region of the page
 * @pgoff: the page
 * @write: whether it is going to be written
 * @page: out: the frame's memory
 * @rw: out: whether it may be mapped writable
 *
 * Context: process context of a running owner, may sleep.
 * Return: 0, -ENOMEM, -ENOSPC where no memory may be committed for ciphertext,
 * -EBADMSG when the ciphertext is not ours, -EIO when it cannot be read back from
 * swap.
 */
int cm_fault_page(struct cm_domain *d, struct cm_region *region,
		  pgoff_t pgoff, bool write, struct page **page, bool *rw)
{
	struct cm_frame *f;
	int err;

	lockdep_assert_held(&d->map_lock);
	f = xa_load(&d->window.frames, pgoff);
	if (!f) {
		f = cm_fault_bring_in(d, region, pgoff);
		if (IS_ERR(f))
			return PTR_ERR(f);
	}
	if (write && !f->bad) {
		err = cm_fault_make_dirty(d, f);
		if (err)
			return err;
	}
	if (READ_ONCE(f->bad))
		return -EBADMSG;
	*page = f->page;
	*rw = f->dirty;
	d->counts.faults++;
	return 0;
}
