// SPDX-License-Identifier: GPL-2.0-only
/*
 * domain: see domain.h.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "cipher.h"
#include "domain.h"
#include "limits.h"

#define CM_FS_MAGIC	0x43524d45	/* only to have inodes of our own */

static DEFINE_RAW_SPINLOCK(cm_domains_lock);
static DEFINE_HASHTABLE(cm_domains, 8);
static LIST_HEAD(cm_domains_all);
static unsigned int cm_domains_count;
static struct workqueue_struct *cm_domain_wq;
static struct vfsmount *cm_fs_mnt;

static int cm_fs_init_context(struct fs_context *fc)
{
	return init_pseudo(fc, CM_FS_MAGIC) ? 0 : -ENOMEM;
}

/* No owner: our own mount of it must not keep the module from being unloaded. */
static struct file_system_type cm_fs_type = {
	.name = "cryptmem",
	.init_fs_context = cm_fs_init_context,
	.kill_sb = kill_anon_super,
};

static void cm_domain_destroy(struct cm_domain *d)
{
	cm_expiry_cancel(&d->expiry);
	cm_grace_cancel(&d->grace);
	cm_cipher_ctx_free(d->cipher);
	if (d->inode)
		iput(d->inode);
	cm_window_teardown(&d->window);
	xa_destroy(&d->pages);
	cm_uprobes_teardown(&d->breakpoints);
	mmdrop(d->mm);
	kfree_sensitive(d);
}

static void cm_domain_free_work(struct work_struct *work)
{
	struct cm_domain *d =
		container_of(to_rcu_work(work), struct cm_domain, free);
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_domains_lock, flags);
	list_del(&d->all);
	raw_spin_unlock_irqrestore(&cm_domains_lock, flags);
	cm_domain_destroy(d);
}

/**
 * cm_domain_put() - let go of a domain
 * @d: the domain
 *
 * Context: any, irqs off included; freeing is left to a worker, after RCU
 * readers of the hash have gone.
 */
void cm_domain_put(struct cm_domain *d)
{
	if (refcount_dec_and_test(&d->ref))
		queue_rcu_work(cm_domain_wq, &d->free);
}

static struct cm_domain *cm_domain_alloc(struct mm_struct *mm,
					 struct inode *inode)
{
	struct cm_domain *d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);

	if (!d)
		return NULL;
	refcount_set(&d->ref, 1);
	d->users = 1;
	INIT_HLIST_NODE(&d->hash);
	INIT_LIST_HEAD(&d->all);
	INIT_LIST_HEAD(&d->tasks);
	INIT_LIST_HEAD(&d->running_tasks);
	INIT_LIST_HEAD(&d->copies);
	mutex_init(&d->attach_lock);
	mutex_init(&d->map_lock);
	raw_spin_lock_init(&d->lock);
	raw_spin_lock_init(&d->tasks_lock);
	xa_init_flags(&d->pages, XA_FLAGS_ACCOUNT);
	cm_window_setup(&d->window);
	cm_expiry_setup(&d->expiry);
	cm_grace_setup(&d->grace);
	cm_uprobes_setup(&d->breakpoints, mm);
	INIT_RCU_WORK(&d->free, cm_domain_free_work);
	mmgrab(mm);
	d->mm = mm;
	d->pid = task_tgid_nr(current);
	d->uid = current_uid();
	/* Somebody may have come before it could be told that. */
	d->watched = true;
	get_task_comm(d->comm, current);
	if (inode) {
		ihold(inode);
		d->inode = inode;
	} else {
		d->inode = alloc_anon_inode(cm_fs_mnt->mnt_sb);
		if (IS_ERR(d->inode))
			d->inode = NULL;
	}
	d->cipher = cm_cipher_ctx_alloc(GFP_KERNEL_ACCOUNT);
	if (!d->inode || !d->cipher) {
		cm_domain_destroy(d);
		return NULL;
	}
	return d;
}

/**
 * cm_domain_find() - the live domain of an address space
 * @mm: the address space, or NULL
 *
 * Context: any, under rcu_read_lock() or with preemption off, which the pointer
 * is good for.
 * Return: the domain or NULL.
 */
struct cm_domain *cm_domain_find(struct mm_struct *mm)
{
	struct cm_domain *d;

	if (!mm)
		return NULL;
	hash_for_each_possible_rcu_notrace(cm_domains, d, hash,
					   (unsigned long)mm)
		if (d->mm == mm)
			return d;
	return NULL;
}

/**
 * cm_domain_find_get() - the live domain of an address space, held
 * @mm: the address space, or NULL
 *
 * Context: any.
 * Return: the domain with a reference to put, or NULL.
 */
struct cm_domain *cm_domain_find_get(struct mm_struct *mm)
{
	struct cm_domain *d;

	rcu_read_lock();
	d = cm_domain_find(mm);
	if (d && !refcount_inc_not_zero(&d->ref))
		d = NULL;
	rcu_read_unlock();
	return d;
}

/* Find a live domain as a new user of it, or make @d the live one. */
static struct cm_domain *cm_domain_enter(struct mm_struct *mm,
					 struct cm_domain *d)
{
	struct cm_domain *live;
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_domains_lock, flags);
	live = cm_domain_find(mm);
	if (live) {
		WRITE_ONCE(live->users, live->users + 1);
		cm_domain_get(live);
	} else if (d) {
		hash_add_rcu(cm_domains, &d->hash, (unsigned long)mm);
		list_add_tail(&d->all, &cm_domains_all);
		WRITE_ONCE(cm_domains_count, cm_domains_count + 1);
		live = d;
	}
	raw_spin_unlock_irqrestore(&cm_domains_lock, flags);
	return live;
}

/**
 * cm_domain_open() - find or make the domain of the caller's address space
 * @mm: current->mm
 *
 * A new domain has no tasks attached yet, see cm_attach_all().
 *
 * Context: process context, may sleep.
 * Return: the domain, one user and one reference more, or ERR_PTR(-ENOMEM).
 */
struct cm_domain *cm_domain_open(struct mm_struct *mm)
{
	struct cm_domain *d = cm_domain_enter(mm, NULL), *live;

	if (d)
		return d;
	d = cm_domain_alloc(mm, NULL);
	if (!d)
		return ERR_PTR(-ENOMEM);
	live = cm_domain_enter(mm, d);
	if (live != d)
		cm_domain_destroy(d);
	return live;
}

/**
 * cm_domain_fork() - find or make the domain of a child
 * @parent: its parent's domain, map_lock held
 * @mm: the child's address space, not running yet
 *
 * The child inherits the size that the window began with, and what makes a
 * process untrusted.
 *
 * Context: process context, may sleep, both mmap_locks held for writing.
 * Return: the domain, one user and one reference more, or ERR_PTR(-ENOMEM).
 */
struct cm_domain *cm_domain_fork(struct cm_domain *parent, struct mm_struct *mm)
{
	struct cm_domain *d = cm_domain_enter(mm, NULL);

	if (d)
		return d;
	d = cm_domain_alloc(mm, parent->inode);
	if (!d)
		return ERR_PTR(-ENOMEM);
	if (cm_uprobes_inherit(&d->breakpoints, &parent->breakpoints)) {
		cm_domain_destroy(d);
		return ERR_PTR(-ENOMEM);
	}
	cm_growth_inherit(d, parent);
	d->next_pgoff = parent->next_pgoff;
	d->altered = READ_ONCE(parent->altered);
	d->locked = parent->locked;
	d->broken = READ_ONCE(parent->broken);
	d->refuses = parent->refuses;
	d->hides = parent->hides;
	/* Its only task is attached when it appears: task_newtask. */
	d->attached = true;
	return cm_domain_enter(mm, d);
}

/**
 * cm_domain_user_get() - one user more
 * @d: a domain, held
 *
 * Context: any.
 * Return: whether it is live, as it is when the caller is a user; if not,
 * nothing has changed.
 */
bool cm_domain_user_get(struct cm_domain *d)
{
	unsigned long flags;
	bool live;

	raw_spin_lock_irqsave(&cm_domains_lock, flags);
	live = d->users;
	if (live) {
		WRITE_ONCE(d->users, d->users + 1);
		cm_domain_get(d);
	}
	raw_spin_unlock_irqrestore(&cm_domains_lock, flags);
	return live;
}

/**
 * cm_domain_user_put() - one user less; without users a domain is dead
 * @d: the domain
 *
 * Context: any.
 */
void cm_domain_user_put(struct cm_domain *d)
{
	unsigned long flags;
	bool dead;

	raw_spin_lock_irqsave(&cm_domains_lock, flags);
	WRITE_ONCE(d->users, d->users - 1);
	dead = !d->users;
	if (dead) {
		hash_del_rcu(&d->hash);
		WRITE_ONCE(cm_domains_count, cm_domains_count - 1);
	}
	raw_spin_unlock_irqrestore(&cm_domains_lock, flags);
	if (dead)
		cm_stats_retire(d);
	cm_domain_put(d);
}

/**
 * cm_domain_any() - a glance at whether any domain is live
 *
 * Context: any.
 * Return: whether there is one.
 */
bool cm_domain_any(void)
{
	return READ_ONCE(cm_domains_count);
}

/* The next one, live or not, held; @d, NULL before the first, is let go. */
static struct cm_domain *cm_domain_next(struct cm_domain *d)
{
	struct cm_domain *next = NULL, *at;
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_domains_lock, flags);
	at = list_prepare_entry(d, &cm_domains_all, all);
	list_for_each_entry_continue(at, &cm_domains_all, all) {
		if (refcount_inc_not_zero(&at->ref)) {
			next = at;
			break;
		}
	}
	raw_spin_unlock_irqrestore(&cm_domains_lock, flags);
	if (d)
		cm_domain_put(d);
	return next;
}

/**
 * cm_domain_for_each() - call a function for each live domain
 * @fn: the function; may sleep and take map_lock
 * @arg: passed on
 *
 * Those that come meanwhile are not left out, until it has come to the end.
 *
 * Context: process context, may sleep.
 */
void cm_domain_for_each(void (*fn)(struct cm_domain *d, void *arg), void *arg)
{
	struct cm_domain *d = NULL;

	while ((d = cm_domain_next(d))) {
		if (READ_ONCE(d->users))
			fn(d, arg);
		cond_resched();
	}
}

/**
 * struct cm_try - a function to be called until it has succeeded
 * @fn: the function
 * @arg: passed on
 * @failed: for how many domains it has not, this time
 */
struct cm_try {
	bool (*fn)(struct cm_domain *d, void *arg);
	void *arg;
	unsigned int failed;
};

static void cm_domain_try(struct cm_domain *d, void *arg)
{
	struct cm_try *try = arg;

	try->failed += !try->fn(d, try->arg);
}

/**
 * cm_domain_try_each() - call a function for each live domain until it succeeds
 * @fn: the function, which says whether there is nothing left to do; may sleep, but
 *	not wait for map_lock, which a user can hold for as long as he likes. Is
 *	also called where it has succeeded already
 * @arg: passed on
 * @patience: jiffies, after which it is not tried any more
 *
 * Context: process context, may sleep.
 * Return: whether it has succeeded for each, the last time.
 */
bool cm_domain_try_each(bool (*fn)(struct cm_domain *d, void *arg), void *arg,
			unsigned long patience)
{
	unsigned long end = jiffies + patience;
	struct cm_try try = { .fn = fn, .arg = arg };

	for (;;) {
		try.failed = 0;
		cm_domain_for_each(cm_domain_try, &try);
		if (!try.failed || time_after(jiffies, end))
			return !try.failed;
		schedule_timeout_uninterruptible(1);
	}
}

/**
 * cm_domain_visit_stopped() - call a function for each domain there is
 * @fn: the function
 *
 * Context: any, when no other CPU runs any more. Takes no lock: whoever holds it
 * has been stopped.
 */
void cm_domain_visit_stopped(void (*fn)(struct cm_domain *d))
{
	struct cm_domain *d;

	list_for_each_entry(d, &cm_domains_all, all)
		fn(d);
}

/**
 * cm_domain_init() - prepare for domains
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cm_domain_init(void)
{
	cm_domain_wq = alloc_workqueue("cryptmem", WQ_UNBOUND, 0);
	if (!cm_domain_wq)
		return -ENOMEM;
	cm_fs_mnt = kern_mount(&cm_fs_type);
	if (IS_ERR(cm_fs_mnt)) {
		destroy_workqueue(cm_domain_wq);
		return PTR_ERR(cm_fs_mnt);
	}
	return 0;
}

/**
 * cm_domain_exit() - undo cm_domain_init(); waits for what is being freed
 *
 * Context: process context, may sleep.
 */
void cm_domain_exit(void)
{
	rcu_barrier();
	destroy_workqueue(cm_domain_wq);
	kern_unmount(cm_fs_mnt);
}
