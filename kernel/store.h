/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store: where the pages of regions live as ciphertext.
 *
 * A store is a shmem file, so that what nobody uses can be swapped out. Each
 * page has a slot in it and a descriptor, which names the key and the nonce it
 * was sealed with. A descriptor is counted: after fork() parent and child share
 * it, and whoever writes first takes a new one with a slot and a key of its
 * own. Hence the rule: only the sole holder of a descriptor, whose domain
 * writes with that descriptor's key, may seal into it.
 *
 * Locks: none of its own. A sole holder's domain serialises seal and unseal by
 * its raw lock.
 */
#ifndef _CM_STORE_H
#define _CM_STORE_H

#include <linux/idr.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "cipher.h"

struct file;
struct page;

/**
 * struct cm_store - a shmem file and its slots
 * @ref: one for the domain that allocates from it, one for each descriptor
 * @file: the shmem file
 * @slots: which of its pages are taken
 */
struct cm_store {
	refcount_t ref;
	struct file *file;
	struct ida slots;
};

/**
 * struct cm_page - a page's ciphertext: where it is and how it was sealed
 * @ref: one for each domain that has it in its page table
 * @slot: index of the page in the store
 * @key: the key it is sealed with
 * @store: the store that holds it
 * @nonce: nonce of the last seal; 0: never sealed, there is no ciphertext yet
 * @tag: tag of the last seal
 */
struct cm_page {
	refcount_t ref;
	unsigned int slot;
	struct cm_key *key;
	struct cm_store *store;
	u64 nonce;
	u8 tag[CM_TAG_SIZE];
};

int cm_store_init(void);
void cm_store_exit(void);

struct cm_store *cm_store_create(void);
void cm_store_put(struct cm_store *store);

struct cm_page *cm_store_page_create(struct cm_store *store,
				     struct cm_key *key);
void cm_store_page_put(struct cm_page *pg);

static inline struct cm_page *cm_store_page_get(struct cm_page *pg)
{
	refcount_inc(&pg->ref);
	return pg;
}

struct page *cm_store_pin(struct cm_page *pg);
void cm_store_unpin(struct page *page, bool dirty);

#endif /* _CM_STORE_H */
