// SPDX-License-Identifier: GPL-2.0-only
/*
 * store: see store.h.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "store.h"

/* Slots are numbered by an IDA, which ends at INT_MAX: 8 TiB a store. */
#define CM_STORE_SIZE	((loff_t)INT_MAX << PAGE_SHIFT)

static struct kmem_cache *cm_page_cache;

/**
 * cm_store_create() - make an empty store
 *
 * Context: process context, may sleep.
 * Return: the store with one reference, or ERR_PTR(-ENOMEM, -ENFILE).
 */
struct cm_store *cm_store_create(void)
{
	struct cm_store *store = kzalloc(sizeof(*store), GFP_KERNEL_ACCOUNT);

	if (!store)
		return ERR_PTR(-ENOMEM);
	store->file = shmem_file_setup("cryptmem", CM_STORE_SIZE, VM_NORESERVE);
	if (IS_ERR(store->file)) {
		long err = PTR_ERR(store->file);

		kfree(store);
		/* shmem's word for no memory for an inode. */
		return ERR_PTR(err == -ENOSPC ? -ENOMEM : err);
	}
	refcount_set(&store->ref, 1);
	ida_init(&store->slots);
	return store;
}

/**
 * cm_store_put() - let go of a store; the last one frees it
 * @store: the store
 *
 * Context: process context, may sleep.
 */
void cm_store_put(struct cm_store *store)
{
	if (!refcount_dec_and_test(&store->ref))
		return;
	fput(store->file);
	ida_destroy(&store->slots);
	kfree(store);
}

/**
 * cm_store_page_create() - take a slot for a page that will be sealed
 * @store: the store to take it from
 * @key: the key it will be sealed with
 *
 * Context: process context, may sleep. Charged to the caller's memory cgroup.
 * Return: a descriptor with one reference, or NULL.
 */
struct cm_page *cm_store_page_create(struct cm_store *store,
				     struct cm_key *key)
{
	struct cm_page *pg = kmem_cache_zalloc(cm_page_cache, GFP_KERNEL);
	int slot;

	if (!pg)
		return NULL;
	slot = ida_alloc_max(&store->slots, INT_MAX - 1, GFP_KERNEL);
	if (slot < 0) {
		kmem_cache_free(cm_page_cache, pg);
		return NULL;
	}
	refcount_set(&pg->ref, 1);
	pg->slot = slot;
	pg->key = cm_cipher_key_get(key);
	refcount_inc(&store->ref);
	pg->store = store;
	return pg;
}

/**
 * cm_store_page_put() - let go of a page; the last one frees its slot
 * @pg: the descriptor
 *
 * Context: process context, may sleep.
 */
void cm_store_page_put(struct cm_page *pg)
{
	loff_t pos = (loff_t)pg->slot << PAGE_SHIFT;

	if (!refcount_dec_and_test(&pg->ref))
		return;
	shmem_truncate_range(file_inode(pg->store->file), pos,
			     pos + PAGE_SIZE - 1);
	ida_free(&pg->store->slots, pg->slot);
	cm_cipher_key_put(pg->key);
	cm_store_put(pg->store);
	kmem_cache_free(cm_page_cache, pg);
}

/**
 * cm_store_pin() - bring a page of ciphertext into memory and keep it there
 * @pg: the descriptor
 *
 * Reclaim leaves the page alone until cm_store_unpin().
 *
 * Context: process context, may sleep: the page may come from swap. Charged to
 * the caller's memory cgroup.
 * Return: the page, or ERR_PTR(-ENOMEM; -ENOSPC where no memory may be committed;
 * -EIO from the swap device).
 */
struct page *cm_store_pin(struct cm_page *pg)
{
	return shmem_read_mapping_page(pg->store->file->f_mapping, pg->slot);
}

/**
 * cm_store_unpin() - let a page of ciphertext be swapped out again
 * @page: what cm_store_pin() returned
 * @dirty: whether it was, or may have been, sealed into since
 *
 * Context: process context, may sleep.
 */
void cm_store_unpin(struct page *page, bool dirty)
{
	if (dirty)
		set_page_dirty(page);
	put_page(page);
}

/**
 * cm_store_init() - prepare the cache of descriptors
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cm_store_init(void)
{
	cm_page_cache = kmem_cache_create("cryptmem_page",
					  sizeof(struct cm_page), 0,
					  SLAB_ACCOUNT, NULL);
	return cm_page_cache ? 0 : -ENOMEM;
}

/**
 * cm_store_exit() - undo cm_store_init()
 *
 * Context: process context, may sleep.
 */
void cm_store_exit(void)
{
	kmem_cache_destroy(cm_page_cache);
}
