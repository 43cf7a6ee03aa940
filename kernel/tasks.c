// SPDX-License-Identifier: GPL-2.0-only
/*
 * tasks: see tasks.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stop_machine.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "handlers.h"
#include "sched.h"
#include "tasks.h"

/* Notifiers kept for forks that cannot wait for memory. */
#define CM_RESERVE	64

static struct kmem_cache *cm_notifier_cache;
static mempool_t *cm_notifier_pool;
static bool cm_tasks_closing;	/* no task is attached any more */
static atomic_t cm_notifiers = ATOMIC_INIT(0); /* not freed yet */

/**
 * cm_tasks_alloc() - memory for a notifier
 *
 * Context: process context, may sleep.
 * Return: what cm_tasks_setup() or cm_tasks_discard() takes, or NULL.
 */
struct cm_notifier *cm_tasks_alloc(void)
{
	return kmem_cache_alloc(cm_notifier_cache, GFP_KERNEL);
}

/**
 * cm_tasks_discard() - give back a notifier that was not set up
 * @n: the notifier
 *
 * Context: any but NMI.
 */
void cm_tasks_discard(struct cm_notifier *n)
{
	kmem_cache_free(cm_notifier_cache, n);
}

/**
 * cm_tasks_setup() - make a task one of a domain's
 * @n: the task's notifier there. The caller puts it into the task's list
 * @d: the domain, held
 * @t: the task
 *
 * Context: any but NMI.
 */
void cm_tasks_setup(struct cm_notifier *n, struct cm_domain *d,
		    struct task_struct *t)
{
	unsigned long flags;

	atomic_inc(&cm_notifiers);
	memset(n, 0, sizeof(*n));
	cm_sched_prepare(n);
	cm_domain_get(d);
	n->domain = d;
	/* Whoever walks the domain's list may come to it when it is gone. */
	n->task = get_task_struct(t);
	raw_spin_lock_irqsave(&d->tasks_lock, flags);
	list_add_tail_rcu(&n->link, &d->tasks);
	raw_spin_unlock_irqrestore(&d->tasks_lock, flags);
}

static void cm_tasks_free_rcu(struct rcu_head *rcu)
{
	struct cm_notifier *n = container_of(rcu, struct cm_notifier, rcu);

	put_task_struct(n->task);
	mempool_free(n, cm_notifier_pool);
	atomic_dec(&cm_notifiers);
}

/**
 * cm_tasks_free() - give back a notifier that is in no task's list any more
 * @n: the notifier
 *
 * Context: any but NMI.
 */
void cm_tasks_free(struct cm_notifier *n)
{
	struct cm_domain *d = n->domain;
	unsigned long flags;
	bool last;

	cm_handlers_end(n);
	cm_handlers_give_up(n);
	cm_guard_frame_end(n);
	raw_spin_lock_irqsave(&d->tasks_lock, flags);
	list_del_rcu(&n->link);
	last = d->lingers && list_empty(&d->tasks);
	if (last)
		WRITE_ONCE(d->lingers, false);
	raw_spin_unlock_irqrestore(&d->tasks_lock, flags);
	if (last)
		cm_domain_user_put(d);
	cm_domain_put(d);
	/* It may have been of the reserve, which others wait for. */
	call_rcu_hurry(&n->rcu, cm_tasks_free_rcu);
}

/**
 * cm_tasks_linger() - have a domain live until its last task has gone
 * @d: the domain, held
 *
 * For what is not to be forgotten with its last region. A domain that is dead
 * already, or has no tasks, stays as it is.
 *
 * Context: any but NMI.
 */
void cm_tasks_linger(struct cm_domain *d)
{
	unsigned long flags;
	bool begun;

	if (READ_ONCE(d->lingers) || !cm_domain_user_get(d))
		return;
	raw_spin_lock_irqsave(&d->tasks_lock, flags);
	begun = !d->lingers && !list_empty(&d->tasks);
	if (begun)
		WRITE_ONCE(d->lingers, true);
	raw_spin_unlock_irqrestore(&d->tasks_lock, flags);
	if (!begun)
		cm_domain_user_put(d);
}

/**
 * cm_tasks_notifier() - a task's notifier
 * @t: a task that cannot be in the middle of changing its list: the caller, one
 *	about to run on this CPU, or any while the machine is stopped
 * @d: of this domain
 *
 * Context: any.
 * Return: the notifier, or NULL.
 */
struct cm_notifier *cm_tasks_notifier(struct task_struct *t,
				      struct cm_domain *d)
{
	struct preempt_notifier *pn;

	hlist_for_each_entry(pn, &t->preempt_notifiers, link) {
		struct cm_notifier *n = cm_sched_ours(pn);

		if (n && n->domain == d)
			return n;
	}
	return NULL;
}

/**
 * cm_tasks_counted() - the caller's notifier in a domain, if it is counted
 * @d: the domain
 *
 * Context: process context.
 * Return: the notifier, or NULL: the caller must not see plaintext.
 */
struct cm_notifier *cm_tasks_counted(struct cm_domain *d)
{
	struct cm_notifier *n = cm_tasks_notifier(current, d);

	return n && READ_ONCE(n->counted) ? n : NULL;
}

/**
 * cm_tasks_for_each() - look at the tasks of a domain
 * @d: the domain
 * @fn: called for each
 * @arg: passed on
 *
 * There may be many. One that comes or goes meanwhile may be left out.
 *
 * Context: any but NMI; @fn is called under rcu_read_lock().
 */
void cm_tasks_for_each(struct cm_domain *d,
		       void (*fn)(struct task_struct *t, void *arg), void *arg)
{
	struct cm_notifier *n;

	rcu_read_lock();
	list_for_each_entry_rcu(n, &d->tasks, link)
		fn(n->task, arg);
	rcu_read_unlock();
}

/**
 * cm_tasks_parked() - does some task of a domain wait for a tracer to go
 * @d: the domain
 *
 * Context: any.
 * Return: whether one was parked, and has not been served since.
 */
bool cm_tasks_parked(struct cm_domain *d)
{
	struct cm_notifier *n;
	bool parked = false;

	rcu_read_lock();
	list_for_each_entry_rcu(n, &d->tasks, link) {
		parked = test_bit(CM_PARKED, &n->flags);
		if (parked)
			break;
	}
	rcu_read_unlock();
	return parked;
}

/* Whether somebody outside has changed a process. */
static bool cm_tasks_altered(struct mm_struct *mm)
{
	struct cm_domain *d;
	bool altered;

	rcu_read_lock();
	d = cm_domain_find(mm);
	altered = d && READ_ONCE(d->altered);
	rcu_read_unlock();
	return altered;
}

/* A task that shares or copies an mm with a domain has been made. */
static void cm_tasks_new(void *data, struct task_struct *child,
			 unsigned long clone_flags)
{
	struct cm_domain *d;
	struct cm_notifier *n;

	if (READ_ONCE(cm_tasks_closing))
		return;
	/* One that is about to end has no regions, nor will it have any. */
	d = cm_domain_find_get(child->mm);
	if (!d)
		return;
	if (cm_tasks_notifier(child, d))
		goto out;
	n = mempool_alloc(cm_notifier_pool, GFP_ATOMIC);
	if (!n) {
		/* It must never reach user mode: kill it before it starts. */
		send_sig(SIGKILL, child, 1);
		goto out;
	}
	if (!(clone_flags & CLONE_VM))
		WRITE_ONCE(d->pid, task_tgid_nr(child));
	cm_tasks_setup(n, d, child);
	/* The child does not run yet: nobody walks its list. */
	hlist_add_head(&n->pn.link, &child->preempt_notifiers);
	/* A fork copies what other threads do meanwhile, who may be led astray. */
	if (READ_ONCE(d->altered) || cm_tasks_altered(current->mm))
		cm_guard_alter(d);
	smp_mb(); /* pairs with cm_guard_frame_verdict() */
	if (atomic_read(&d->frames))
		cm_sched_queue_work(n);
out:
	cm_domain_put(d);
}

/* The caller has a new mm: what it left may have nobody running any more. */
static void cm_tasks_exec(void *data, struct task_struct *t, pid_t old_pid,
			  struct linux_binprm *bprm)
{
	struct preempt_notifier *pn;

	hlist_for_each_entry(pn, &t->preempt_notifiers, link) {
		struct cm_notifier *n = cm_sched_ours(pn);

		if (!n || n->domain->mm == t->mm)
			continue;
		cm_sched_uncount(n, NULL);
		cm_sched_queue_work(n);
	}
}

/* The task cannot be in the scheduler now: its list may be changed. */
static void cm_tasks_detach(struct task_struct *t)
{
	struct preempt_notifier *pn;
	struct hlist_node *next;

	hlist_for_each_entry_safe(pn, next, &t->preempt_notifiers, link) {
		struct cm_notifier *n = cm_sched_ours(pn);

		if (!n)
			continue;
		hlist_del(&pn->link);
		cm_tasks_free(n);
	}
}

/*
 * A dead task is freed: it will never run again. Its work was run, or refused,
 * when it exited.
 */
static void cm_tasks_freed(void *data, struct task_struct *t)
{
	cm_tasks_detach(t);
}

/**
 * struct cm_probe - a tracepoint of the kernel that we listen to
 * @name: its name
 * @fn: our function
 * @tp: the tracepoint, once found
 */
struct cm_probe {
	const char *name;
	void *fn;
	struct tracepoint *tp;
};

static struct cm_probe cm_probes[] = {
	{ "task_newtask", cm_tasks_new },
	{ "sched_process_exec", cm_tasks_exec },
	{ "sched_process_free", cm_tasks_freed },
};

static void cm_tasks_find_tracepoint(struct tracepoint *tp, void *data)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cm_probes); i++)
		if (!strcmp(tp->name, cm_probes[i].name))
			cm_probes[i].tp = tp;
}

static void cm_tasks_unprobe(unsigned int n)
{
	while (n--)
		tracepoint_probe_unregister(cm_probes[n].tp, cm_probes[n].fn,
					    NULL);
	tracepoint_synchronize_unregister();
}

static int cm_tasks_probe(void)
{
	unsigned int i;
	int err;

	for_each_kernel_tracepoint(cm_tasks_find_tracepoint, NULL);
	for (i = 0; i < ARRAY_SIZE(cm_probes); i++) {
		if (!cm_probes[i].tp) {
			pr_err("this kernel has no tracepoint %s (CONFIG_TRACEPOINTS)\n",
			       cm_probes[i].name);
			err = -ENOENT;
		} else {
			err = tracepoint_probe_register(cm_probes[i].tp,
							cm_probes[i].fn, NULL);
		}
		if (err) {
			cm_tasks_unprobe(i);
			return err;
		}
	}
	return 0;
}

/**
 * cm_tasks_init() - listen to the scheduler
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -ENOENT when a tracepoint is missing.
 */
int cm_tasks_init(void)
{
	int err = -ENOMEM;

	cm_notifier_cache = kmem_cache_create("cryptmem_notifier",
					      sizeof(struct cm_notifier), 0,
					      SLAB_ACCOUNT, NULL);
	if (!cm_notifier_cache)
		return err;
	cm_notifier_pool = mempool_create_slab_pool(CM_RESERVE,
						    cm_notifier_cache);
	if (!cm_notifier_pool)
		goto err_cache;
	err = cm_tasks_probe();
	if (err)
		goto err_pool;
	/* Patches kernel text: process context only, hence not per domain. */
	preempt_notifier_inc();
	return 0;

err_pool:
	mempool_destroy(cm_notifier_pool);
err_cache:
	kmem_cache_destroy(cm_notifier_cache);
	return err;
}

static int cm_tasks_detach_stopped(void *unused)
{
	struct task_struct *g, *t;

	/* Probes run with preemption off: none is half-way. */
	WRITE_ONCE(cm_tasks_closing, true);
	for_each_process_thread(g, t)
		cm_tasks_detach(t);
	return 0;
}

/**
 * cm_tasks_exit() - undo cm_tasks_init()
 *
 * No region is left, and no descriptor. But tasks that have not been to user mode
 * since still carry notifiers; so do all of a domain that lingers, which is live
 * until the last has gone. Queued work holds the module, so none is pending, and
 * none is queued once it is being unloaded.
 *
 * Context: process context, may sleep.
 */
void cm_tasks_exit(void)
{
	stop_machine(cm_tasks_detach_stopped, NULL, NULL);
	/* The dead that wait for RCU are in no list of tasks any more. */
	while (atomic_read(&cm_notifiers)) {
		rcu_barrier();
		msleep(20);
	}
	cm_tasks_unprobe(ARRAY_SIZE(cm_probes));
	preempt_notifier_dec();
	/* A task may have been preempted on the last lines of our work. */
	synchronize_rcu_tasks();
	mempool_destroy(cm_notifier_pool);
	kmem_cache_destroy(cm_notifier_cache);
}
