/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domain: the unit that is sealed together. One for each address space (mm)
 * that has opened the device.
 *
 * Life: a domain is live, that is, found by its mm, while it has users: open
 * descriptors and regions. With the last user gone it is dead for good; a new
 * open() makes a new domain. Its memory stays until the last reference goes:
 * users, and the notifier of each task that was attached to it. One that lingers
 * is live until its last task has gone, users or not.
 *
 * Lock order, outermost first:
 *
 *	cm_domain.attach_lock		a mutex, never under an mmap_lock: see attach.h
 *	the kernel's ftrace_lock, text_mutex	see alone.h: nothing that takes
 *					them, such as a static key or a module,
 *					is for who holds a map_lock
 *	mm->mmap_lock
 *	cm_domain.map_lock		a mutex: what is mapped, what is where
 *	  i_mmap_rwsem, page table locks, shmem's, crypto's (taken by callees)
 *	  cm_domains_lock (domain.c)	a raw spinlock: who is live
 *	    cm_domain.lock		a raw spinlock, irqs off: contents of
 *					frames, count of running tasks
 *	      the timers' lock		cm_domain.expiry, cm_domain.grace
 *	  cm_domain.tasks_lock		a raw spinlock, irqs off: a domain's
 *					list of tasks
 *
 * The scheduler takes cm_domain.lock under its run-queue lock. So nothing done
 * under cm_domain.lock may sleep, allocate, wake a task up, or print.
 */
#ifndef _CM_DOMAIN_H
#define _CM_DOMAIN_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "expiry.h"
#include "grace.h"
#include "stats.h"
#include "uprobes.h"
#include "window.h"

struct cm_cipher_ctx;
struct cm_key;
struct cm_store;
struct inode;
struct mm_struct;

/**
 * struct cm_domain - one address space's protected memory
 * @ref: users and notifiers
 * @users: descriptors and regions; under cm_domains_lock
 * @hash: by mm, RCU; under cm_domains_lock
 * @all: in the list of all, those included that are not freed yet; under
 *	cm_domains_lock
 * @mm: the address space, mm_count held: the pointer cannot be reused
 * @pid: thread group, in the initial namespace, for people to read
 * @uid: its user when it opened the device, for messages
 * @comm: its name when it opened the device
 * @inode: its i_mmap knows every VMA of this domain, and of those it was forked
 *	from or into
 * @attach_lock: a mutex, outermost, see attach.h
 * @attached: every task of @mm has a notifier; under @attach_lock
 * @tasks: those notifiers, RCU; under @tasks_lock
 * @tasks_lock: see above
 * @lingers: the tasks together are a user; under @tasks_lock
 * @map_lock: see above
 * @pages: pgoff -> struct cm_page, absent means zero; under @map_lock
 * @copies: ranges of pgoff that one VMA more maps, see region.c
 * @next_pgoff: where the next region goes; under @map_lock
 * @regions: how many there are, or are being made: without one there is no key;
 *	written under @map_lock
 * @mapped_pages: pages that they cover; under @map_lock
 * @used_pages: entries of @pages; under @map_lock
 * @key: what new seals use, NULL without a region; under @map_lock and @lock
 * @store: where new pages go; under @map_lock
 * @window: the frames; see window.h
 * @lock: see above
 * @cipher: scratch; under @lock
 * @running: tasks of @mm on a CPU; under @lock
 * @running_tasks: their notifiers; under @lock
 * @expiry: when pages have been plaintext for too long; see expiry.h
 * @grace: between the last of those and the seal; see grace.h
 * @breakpoints: of uprobes
 * @handlers: tasks that may be calling a handler of theirs, or are about to
 * @waiters: tasks that look now and then whether there is none
 * @span_start: all regions are, or were, in this range of addresses, see
 *	instruments.h; under @map_lock
 * @span_end: its end; 0: there was none yet
 * @span_widened: how often that was changed by its tasks; under @map_lock
 * @span_settled: up to which time all have been waited for who began to read
 *	before that; under @map_lock
 * @frames: tasks with CM_FRAME
 * @watched: somebody may be tracing; see guard.h
 * @resumed: a tracer has let a stopped thread go on
 * @altered: somebody outside has changed the process, the domain will be locked
 * @locked: it is: sealed until the process exits; set under @map_lock
 * @broken: fork() ran out of memory as it copied pages, or what there was has
 *	been dropped: every touch gives SIGBUS
 * @dropped: for which attempt to hibernate that was done last; set under @map_lock
 * @refuses: a touch under a debugger gives SIGBUS, instead of parking; under
 *	@map_lock
 * @hides: registers are not for debuggers to read; set under @map_lock
 * @told: the log knows that somebody watches; under @map_lock
 * @exempting: some region may be used under its tracer; under @map_lock
 * @epoch: counts ends of tracing; such a region is of one epoch only
 * @counts: counters
 * @free: how it is freed
 */
struct cm_domain {
	refcount_t ref;
	unsigned int users;
	struct hlist_node hash;
	struct list_head all;
	struct mm_struct *mm;
	pid_t pid;
	kuid_t uid;
	char comm[16];
	struct inode *inode;
	struct mutex attach_lock; /* each task has a notifier, once */
	bool attached;
	raw_spinlock_t tasks_lock;
	struct list_head tasks;
	bool lingers;

	struct mutex map_lock; /* what is mapped, what is where */
	struct xarray pages;
	struct list_head copies;
	unsigned long next_pgoff;
	unsigned int regions;
	u64 mapped_pages;
	u64 used_pages;
	struct cm_key *key;
	struct cm_store *store;
	struct cm_window window;

	raw_spinlock_t lock;
	struct cm_cipher_ctx *cipher;
	int running;
	struct list_head running_tasks;
	struct cm_expiry expiry;
	struct cm_grace grace;

	struct cm_breakpoints breakpoints;
	atomic_t handlers;
	atomic_t waiters;
	unsigned long span_start;
	unsigned long span_end;
	u64 span_widened;
	u64 span_settled;
	atomic_t frames;
	bool watched;
	bool resumed;
	bool altered;
	bool locked;
	bool broken;
	unsigned int dropped;
	bool refuses;
	bool hides;
	bool told;
	bool exempting;
	atomic64_t epoch;
	struct cm_counts counts;
	struct rcu_work free;
};

int cm_domain_init(void);
void cm_domain_exit(void);

struct cm_domain *cm_domain_open(struct mm_struct *mm);
struct cm_domain *cm_domain_fork(struct cm_domain *parent,
				 struct mm_struct *mm);
struct cm_domain *cm_domain_find(struct mm_struct *mm);
struct cm_domain *cm_domain_find_get(struct mm_struct *mm);
bool cm_domain_user_get(struct cm_domain *d);
void cm_domain_user_put(struct cm_domain *d);
void cm_domain_put(struct cm_domain *d);

static inline void cm_domain_get(struct cm_domain *d)
{
	refcount_inc(&d->ref);
}

bool cm_domain_any(void);
void cm_domain_for_each(void (*fn)(struct cm_domain *d, void *arg), void *arg);
bool cm_domain_try_each(bool (*fn)(struct cm_domain *d, void *arg), void *arg,
			unsigned long patience);
void cm_domain_visit_stopped(void (*fn)(struct cm_domain *d));

#endif /* _CM_DOMAIN_H */
