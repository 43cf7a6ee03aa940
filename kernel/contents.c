// SPDX-License-Identifier: GPL-2.0-only
/*
 * contents: see contents.h.
 */
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "cipher.h"
#include "contents.h"
#include "domain.h"
#include "limits.h"
#include "power.h"
#include "store.h"
#include "window.h"

/* Have a key and a store, before the first region. */
static int cm_contents_activate(struct cm_domain *d)
{
	struct cm_store *store;
	struct cm_key *key;

	if (d->key)
		return 0;
	key = cm_cipher_key_create();
	if (IS_ERR(key))
		return PTR_ERR(key);
	store = cm_store_create();
	if (IS_ERR(store)) {
		cm_cipher_key_put(key);
		return PTR_ERR(store);
	}
	d->store = store;
	d->key = key;
	return 0;
}

static void cm_contents_deactivate(struct cm_domain *d)
{
	if (!d->key)
		return;
	cm_cipher_key_put(d->key);
	d->key = NULL;
	cm_store_put(d->store);
	d->store = NULL;
}

/**
 * cm_contents_add_region() - account for a region, and activate the domain
 * @d: the domain; map_lock is held
 * @user: the account that pays
 * @pages: what it covers
 * @inherited: from a parent that has the same region
 *
 * Context: process context, may sleep.
 * Return: 0, -EDQUOT, -ENOMEM, -ENFILE, -EBUSY while the machine hibernates,
 * or ends; nothing has changed then.
 */
int cm_contents_add_region(struct cm_domain *d, struct cm_user *user,
			   unsigned long pages, bool inherited)
{
	int err;

	lockdep_assert_held(&d->map_lock);
	WRITE_ONCE(d->regions, d->regions + 1);
	smp_mb(); /* pairs with cm_power_close() */
	err = cm_power_closed(inherited) ? -EBUSY : 0;
	if (!err)
		err = cm_limits_charge(user, 1, pages);
	if (err)
		goto no_region;
	err = cm_contents_activate(d);
	if (err)
		goto uncharge;
	d->mapped_pages += pages;
	return 0;

uncharge:
	cm_limits_uncharge(user, 1, pages);
no_region:
	/* As below. */
	smp_store_release(&d->regions, d->regions - 1);
	return err;
}

/**
 * cm_contents_del_region() - a region is gone; the last one takes the key along
 * @d: the domain; map_lock is held
 * @user: the account that paid
 *
 * Context: process context, may sleep.
 */
void cm_contents_del_region(struct cm_domain *d, struct cm_user *user)
{
	lockdep_assert_held(&d->map_lock);
	cm_limits_uncharge(user, 1, 0);
	if (d->regions == 1) {
		cm_contents_erase(d, 0, ULONG_MAX);
		cm_contents_deactivate(d);
	}
	/* Not before its key is gone: who hibernates looks without a lock. */
	smp_store_release(&d->regions, d->regions - 1);
}

/**
 * cm_contents_erase() - forget pages: frames, ciphertext and all
 * @d: the domain; map_lock is held
 * @first: first page
 * @last: last page, included
 *
 * Context: process context, may sleep.
 */
void cm_contents_erase(struct cm_domain *d, pgoff_t first, pgoff_t last)
{
	struct cm_page *pg;
	unsigned long at;

	cm_window_throw_away(d, first, last);
	xa_for_each_range(&d->pages, at, pg, first, last) {
		xa_erase(&d->pages, at);
		d->used_pages--;
		cm_store_page_put(pg);
		cond_resched();
	}
}

/**
 * cm_contents_drop() - lose what a domain holds, and its key
 * @d: the domain, with regions; map_lock is held
 *
 * Context: process context, may sleep.
 */
void cm_contents_drop(struct cm_domain *d)
{
	lockdep_assert_held(&d->map_lock);
	WRITE_ONCE(d->broken, true);
	cm_contents_erase(d, 0, ULONG_MAX);
	cm_contents_deactivate(d);
}

/**
 * cm_contents_share() - give a child what the parent has, by descriptors
 * @parent: map_lock held, nothing in its window
 * @child: not running yet
 * @first: first page
 * @last: last page, included
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOMEM with a part of it shared.
 */
int cm_contents_share(struct cm_domain *parent, struct cm_domain *child,
		      pgoff_t first, pgoff_t last)
{
	struct cm_page *pg;
	unsigned long at;
	int err;

	xa_for_each_range(&parent->pages, at, pg, first, last) {
		/* Two VMAs may map a page. */
		if (xa_load(&child->pages, at))
			continue;
		err = xa_err(xa_store(&child->pages, at, cm_store_page_get(pg),
				      GFP_KERNEL));
		if (err) {
			cm_store_page_put(pg);
			return err;
		}
		child->used_pages++;
		cond_resched();
	}
	return 0;
}
