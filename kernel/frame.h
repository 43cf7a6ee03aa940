/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame: a physical page that holds plaintext while its domain runs.
 *
 * What a frame's memory holds, and where the page's current contents are:
 *
 *	domain is	frame is clean		frame is dirty
 *	plain		plaintext, also in	plaintext, nowhere else
 *			the store as ciphertext
 *	sealed		zero; in the store	ciphertext, ->sealed; nowhere else
 *
 * So a dirty frame is sealed in place, which costs one pass of the cipher and
 * touches no other memory; the store gets its ciphertext when the frame leaves
 * the window. A frame that nothing is known of (->bad) is zero.
 *
 * Everything here wants the domain's lock held, irqs off, unless it says
 * otherwise.
 */
#ifndef _CM_FRAME_H
#define _CM_FRAME_H

#include <linux/list.h>
#include <linux/types.h>

#include "cipher.h"

struct cm_domain;
struct cm_page;
struct cm_region;
struct page;

/**
 * struct cm_frame - a page of plaintext, of ciphertext, or zero
 * @list: in cm_window.list, oldest first; under map_lock and the domain's lock
 * @pgoff: which page of the domain it stands for
 * @page: the memory
 * @region: the region it is part of
 * @pg: its ciphertext's descriptor, NULL: never written, all zero
 * @store: the pinned store page of @pg
 * @since: when it came into the window
 * @nonce: of the ciphertext in @page, when @sealed
 * @tag: likewise
 * @dirty: it may differ from the ciphertext in the store
 * @sealed: @page holds ciphertext
 * @bad: its ciphertext did not authenticate; @page is zero
 */
struct cm_frame {
	struct list_head list;
	pgoff_t pgoff;
	struct page *page;
	struct cm_region *region;
	struct cm_page *pg;
	struct page *store;
	u64 since;
	u64 nonce;
	u8 tag[CM_TAG_SIZE];
	bool dirty;
	bool sealed;
	bool bad;
};

struct cm_frame *cm_frame_alloc(gfp_t gfp);
int cm_frame_bind(struct cm_frame *f, struct cm_domain *d,
		  struct cm_region *region, pgoff_t pgoff);
void cm_frame_unbind(struct cm_frame *f);
void cm_frame_free(struct cm_frame *f);

void cm_frame_seal(struct cm_domain *d, struct cm_frame *f);
void cm_frame_unseal(struct cm_domain *d, struct cm_frame *f);
void cm_frame_save(struct cm_domain *d, struct cm_frame *f);
void cm_frame_lose(struct cm_frame *f);
void cm_frame_wipe(struct cm_frame *f);
int cm_frame_ciphertext(struct cm_domain *d, struct cm_frame *f,
			struct page *out, u8 *tag);

#endif /* _CM_FRAME_H */
