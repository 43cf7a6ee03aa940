// SPDX-License-Identifier: GPL-2.0-only
/*
 * frame: see frame.h.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "cipher.h"
#include "domain.h"
#include "frame.h"
#include "store.h"

/**
 * cm_frame_alloc() - make a frame, zero, that stands for no page yet
 * @gfp: how hard to try
 *
 * Context: process context, may sleep.
 * Return: the frame, or NULL when out of memory.
 */
struct cm_frame *cm_frame_alloc(gfp_t gfp)
{
	struct cm_frame *f = kzalloc(sizeof(*f), gfp);

	if (!f)
		return NULL;
	f->page = alloc_page(gfp | __GFP_ZERO);
	if (!f->page) {
		kfree(f);
		return NULL;
	}
	return f;
}

/**
 * cm_frame_bind() - have a frame stand for a page, and pin its store page
 * @f: the frame, zero, in no list
 * @d: the domain; map_lock is held
 * @region: the region of the page
 * @pgoff: the page
 *
 * Context: process context, may sleep; without the domain's lock.
 * Return: 0, -ENOMEM, or -EIO when the store cannot be read back from swap.
 */
int cm_frame_bind(struct cm_frame *f, struct cm_domain *d,
		  struct cm_region *region, pgoff_t pgoff)
{
	struct cm_page *pg = xa_load(&d->pages, pgoff);

	if (pg) {
		struct page *store = cm_store_pin(pg);

		if (IS_ERR(store))
			return PTR_ERR(store);
		f->store = store;
	}
	f->pgoff = pgoff;
	f->region = region;
	f->pg = pg;
	f->dirty = false;
	f->bad = false;
	return 0;
}

/**
 * cm_frame_unbind() - let go of a frame's store page
 * @f: the frame, zero, in no list
 *
 * Context: process context, may sleep; without the domain's lock.
 */
void cm_frame_unbind(struct cm_frame *f)
{
	if (f->store)
		cm_store_unpin(f->store, f->dirty);
	f->store = NULL;
	f->pg = NULL;
}

/**
 * cm_frame_free() - give back a frame that holds no plaintext, and its store page
 * @f: the frame, in no list
 *
 * Context: process context, may sleep; without the domain's lock.
 */
void cm_frame_free(struct cm_frame *f)
{
	cm_frame_unbind(f);
	__free_page(f->page);
	kfree(f);
}

/**
 * cm_frame_wipe() - have a frame hold nothing
 * @f: the frame
 *
 * Context: any.
 */
void cm_frame_wipe(struct cm_frame *f)
{
	clear_page(page_address(f->page));
	f->sealed = false;
}

/**
 * cm_frame_lose() - note that the contents of a dirty frame are lost
 * @f: the frame
 *
 * They must not be replaced in silence by zeros, or by an older state that is
 * still in the store: no ciphertext authenticates by this tag, so every touch
 * from now on is a SIGBUS.
 *
 * Context: any.
 */
void cm_frame_lose(struct cm_frame *f)
{
	if (!f->pg->nonce)
		f->pg->nonce = 1;
	memset(f->pg->tag, 0, sizeof(f->pg->tag));
}

static void cm_frame_set_bad(struct cm_domain *d, struct cm_frame *f)
{
	cm_frame_wipe(f);
	f->bad = true;
	WRITE_ONCE(d->window.bad, true);
}

/**
 * cm_frame_seal() - no plaintext in a frame that stays in the window
 * @d: the domain
 * @f: a frame with plaintext
 *
 * Context: any, the scheduler's included.
 */
void cm_frame_seal(struct cm_domain *d, struct cm_frame *f)
{
	/* It may be mapped yet, and have been written to. */
	if (f->bad) {
		cm_frame_wipe(f);
		return;
	}
	if (!f->dirty) {
		clear_page(page_address(f->page));
		d->counts.clean_seals++;
		return;
	}
	/* Cannot fail with a cipher that passed its self-test. */
	if (cm_cipher_encrypt(d->cipher, f->pg->key, f->page, f->page,
			      &f->nonce, f->tag)) {
		cm_frame_lose(f);
		cm_frame_set_bad(d, f);
		return;
	}
	f->sealed = true;
	d->counts.seals++;
}

/**
 * cm_frame_unseal() - plaintext, from the frame itself or from the store
 * @d: the domain
 * @f: a frame without plaintext
 *
 * One that does not authenticate becomes bad.
 *
 * Context: any, the scheduler's included.
 */
void cm_frame_unseal(struct cm_domain *d, struct cm_frame *f)
{
	int err;

	if (f->bad || (!f->sealed && !(f->pg && f->pg->nonce)))
		return;
	if (f->sealed) {
		err = cm_cipher_decrypt(d->cipher, f->pg->key, f->page, f->page,
					f->nonce, f->tag);
		if (err)
			cm_frame_lose(f);
		f->sealed = false;
	} else {
		err = cm_cipher_decrypt(d->cipher, f->pg->key, f->page,
					f->store, f->pg->nonce, f->pg->tag);
	}
	if (err) {
		cm_frame_set_bad(d, f);
		d->counts.tampered++;
	} else {
		d->counts.unseals++;
	}
}

/**
 * cm_frame_save() - have what is in a frame in the store, as ciphertext
 * @d: the domain
 * @f: a frame that is not mapped, and will leave the window
 *
 * Context: any.
 */
void cm_frame_save(struct cm_domain *d, struct cm_frame *f)
{
	/* It may have been written to since: see whether that is ciphertext. */
	if (f->sealed && d->window.torn)
		cm_frame_unseal(d, f);
	if (f->bad || !f->dirty)
		return;
	if (f->sealed) {
		memcpy(page_address(f->store), page_address(f->page),
		       PAGE_SIZE);
		memcpy(f->pg->tag, f->tag, sizeof(f->pg->tag));
		f->pg->nonce = f->nonce;
	} else if (cm_cipher_encrypt(d->cipher, f->pg->key, f->page, f->store,
				     &f->pg->nonce, f->pg->tag)) {
		cm_frame_lose(f);
	} else {
		d->counts.seals++;
	}
}

/**
 * cm_frame_ciphertext() - what an outsider gets to read of a dirty frame
 * @d: the domain
 * @f: the frame
 * @out: a page for it
 * @tag: CM_TAG_SIZE bytes, directly mapped memory, for the cipher's use
 *
 * Context: any.
 * Return: 0, -ENODATA when the store has it, or something older; or the driver's errno.
 */
int cm_frame_ciphertext(struct cm_domain *d, struct cm_frame *f,
			struct page *out, u8 *tag)
{
	u64 nonce;

	if (f->bad || !f->dirty || d->window.torn)
		return -ENODATA;
	if (!f->sealed)
		return cm_cipher_encrypt(d->cipher, f->pg->key, f->page, out,
					 &nonce, tag);
	memcpy(page_address(out), page_address(f->page), PAGE_SIZE);
	return 0;
}
