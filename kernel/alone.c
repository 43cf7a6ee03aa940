// SPDX-License-Identifier: GPL-2.0-only
/*
 * alone: see alone.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <asm/text-patching.h>

#include "alone.h"
#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "kick.h"
#include "rmap.h"
#include "window.h"

/* How often to look whether the others have gone. */
#define CM_ALONE_POLL	(HZ / 10)
/* How long to wait for who works on a region. */
#define CM_ALONE_PATIENCE	HZ

static LIST_HEAD(cm_alones);
static DEFINE_RAW_SPINLOCK(cm_alone_lock);
/* Until each entry has been seen. */
static bool cm_alone_is_lost = true;
/* How often somebody has come. */
static unsigned int cm_alone_losses;

static void cm_alone_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(cm_alone_work, cm_alone_look);

/**
 * cm_alone_lost() - whether somebody else may watch what we do
 *
 * Context: any.
 * Return: whether he may: then no fault is to be served.
 */
bool cm_alone_lost(void)
{
	return READ_ONCE(cm_alone_is_lost);
}

/**
 * cm_alone_add() - an entry that has to be ours alone
 * @a: the entry; has to stay
 * @name: the function
 * @ops: how it is going to be watched
 *
 * Context: process context, before @ops are registered.
 */
void cm_alone_add(struct cm_alone *a, const char *name,
		  const struct ftrace_ops *ops)
{
	unsigned long flags;

	a->name = name;
	a->ops = ops;
	a->site = 0;
	a->ours = false;
	raw_spin_lock_irqsave(&cm_alone_lock, flags);
	list_add_tail(&a->link, &cm_alones);
	raw_spin_unlock_irqrestore(&cm_alone_lock, flags);
}

/* Where an instruction at @site calls to; 0: it does not. */
static unsigned long cm_alone_target(unsigned long site, const u8 *insn)
{
	s32 distance;

	if (*insn != CALL_INSN_OPCODE)
		return 0;
	memcpy(&distance, insn + 1, sizeof(distance));
	return site + CALL_INSN_SIZE + distance;
}

/*
 * Is this entry ours alone, and nothing else about to be written there? Where ours
 * is being written just now, it is called already. Under cm_alone_lock.
 */
static bool cm_alone_has(const struct cm_alone *a)
{
	return a->ours && cm_alone_target(a->site, (const u8 *)a->site) ==
				  a->ops->trampoline;
}

/* The first entry that is not ours alone. Under cm_alone_lock. */
static const struct cm_alone *cm_alone_find_shared(void)
{
	const struct cm_alone *a;

	list_for_each_entry(a, &cm_alones, link)
		if (!cm_alone_has(a))
			return a;
	return NULL;
}

/* Not when we are about to go, either. Under cm_alone_lock. */
static bool cm_alone_has_all(void)
{
	return !list_empty(&cm_alones) && !cm_alone_find_shared();
}

/* False: an entry is shared, or somebody has come since @losses. */
static bool cm_alone_regain(unsigned int losses)
{
	unsigned long flags;
	bool regained;

	raw_spin_lock_irqsave(&cm_alone_lock, flags);
	regained = losses == cm_alone_losses && cm_alone_has_all();
	WRITE_ONCE(cm_alone_is_lost, !regained);
	raw_spin_unlock_irqrestore(&cm_alone_lock, flags);
	return regained;
}

static void cm_alone_tell(const char *name)
{
	pr_warn("%s() is watched by somebody else, too: all protected memory is sealed as long as that lasts\n",
		name);
}

/* Who fills a window looks whether we are alone after that. */
static bool cm_alone_is_out(struct cm_domain *d)
{
	smp_mb(); /* pairs with cm_touch_page() */
	return !READ_ONCE(d->window.count);
}

static bool cm_alone_put_out(struct cm_domain *d, void *arg)
{
	return cm_alone_is_out(d) || cm_guard_try_put_out(d);
}

/* Without map_lock. Until they have that, none of its tasks is in user mode. */
static bool cm_alone_hold(struct cm_domain *d, void *arg)
{
	if (cm_alone_put_out(d, NULL))
		return true;
	cm_kick_all_out(d);
	if (!cm_rmap_try_zap_all(d))
		return false;
	cm_window_hold(d, false);
	return true;
}

/*
 * Where a relative is in the way of that, too. What a system call under way reads
 * there is wrong, what it writes is lost, and not hidden until cm_alone_retry().
 */
static void cm_alone_hold_mapped(struct cm_domain *d, void *arg)
{
	if (!cm_alone_hold(d, NULL))
		cm_window_hold(d, true);
}

static void cm_alone_retry(struct cm_domain *d, void *arg)
{
	if (READ_ONCE(d->window.held) && !cm_alone_put_out(d, NULL))
		cm_rmap_try_zap_all(d);
}

static void cm_alone_look(struct work_struct *work)
{
	unsigned int losses;
	unsigned long flags;
	bool all;

	cm_domain_for_each(cm_alone_retry, NULL);
	raw_spin_lock_irqsave(&cm_alone_lock, flags);
	losses = cm_alone_losses;
	all = cm_alone_has_all();
	raw_spin_unlock_irqrestore(&cm_alone_lock, flags);
	/* Calls under way by the list, which is gone through without preemption. */
	if (all)
		synchronize_rcu();
	if (!all || !cm_alone_regain(losses))
		schedule_delayed_work(&cm_alone_work, CM_ALONE_POLL);
	else
		pr_notice("nobody else watches the functions that read memory any more: protected memory can be used\n");
}

/*
 * Before the kernel's code is changed, which waits for us. A user's task that
 * holds map_lock and gets no CPU, or little, is not to hold that up for ever.
 */
static void cm_alone_put_all_out(void)
{
	if (!cm_domain_try_each(cm_alone_put_out, NULL, CM_ALONE_PATIENCE) &&
	    !cm_domain_try_each(cm_alone_hold, NULL, CM_ALONE_PATIENCE))
		cm_domain_for_each(cm_alone_hold_mapped, NULL);
}

/* Take note of what is going to be written. Is that the beginning of the end? */
static const struct cm_alone *cm_alone_note(unsigned long site,
					    unsigned long target)
{
	struct cm_alone *a, *first = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_alone_lock, flags);
	list_for_each_entry(a, &cm_alones, link) {
		if (target && target == a->ops->trampoline) {
			a->site = site;
			a->ours = true;
		} else if (site == a->site) {
			a->ours = false;
			cm_alone_losses++;
			if (!cm_alone_is_lost)
				first = a;
			WRITE_ONCE(cm_alone_is_lost, true);
		}
	}
	raw_spin_unlock_irqrestore(&cm_alone_lock, flags);
	return first;
}

/* This function has an entry of its own, which is not written at that moment. */
static void cm_alone_note_own(unsigned long site, const struct ftrace_ops *ops)
{
	struct cm_alone *a;
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_alone_lock, flags);
	list_for_each_entry(a, &cm_alones, link) {
		if (a->ops == ops && !a->site) {
			a->site = site;
			a->ours = true;
		}
	}
	raw_spin_unlock_irqrestore(&cm_alone_lock, flags);
}

/**
 * cm_alone_on_patch() - code of the kernel is about to be changed
 * @ip: the entry of the function
 * @parent_ip: unused
 * @ops: ours
 * @fregs: the function's arguments: where, and what is to be there
 *
 * Context: process context, under text_mutex; may sleep, as long as it is not
 * called from a list: but then all has been put out already.
 */
void notrace cm_alone_on_patch(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	unsigned long site = cm_ftrace_argument(fregs, 0);
	const u8 *insn = (const u8 *)cm_ftrace_argument(fregs, 1);
	size_t len = cm_ftrace_argument(fregs, 2);
	unsigned long target = 0;
	const struct cm_alone *a;

	if (len == CALL_INSN_SIZE)
		target = cm_alone_target(site, insn);
	cm_alone_note_own(ip, ops);
	a = cm_alone_note(site, target);
	if (!a)
		return;
	cm_alone_put_all_out();
	cm_alone_tell(a->name);
	schedule_delayed_work(&cm_alone_work, CM_ALONE_POLL);
}

static int cm_alone_check(void)
{
	const struct cm_alone *a;
	bool told = false;

	list_for_each_entry(a, &cm_alones, link) {
		/* The kernel makes do without when it has no memory. */
		if (!a->ops->trampoline)
			return -ENOMEM;
		/* Found by being called, when the others were set. */
		if (a->ops->func == cm_alone_on_patch && a->site)
			told = true;
	}
	return told ? 0 : -ENOENT;
}

/**
 * cm_alone_begin() - all entries have been added, and are watched
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT: nobody would tell us that they change; -ENOMEM.
 */
int cm_alone_begin(void)
{
	const struct cm_alone *other;
	unsigned long flags;
	int err = cm_alone_check();

	if (err)
		return err;
	raw_spin_lock_irqsave(&cm_alone_lock, flags);
	other = cm_alone_find_shared();
	/* No call under way matters: there is no domain yet. */
	WRITE_ONCE(cm_alone_is_lost, !!other);
	raw_spin_unlock_irqrestore(&cm_alone_lock, flags);
	if (other) {
		cm_alone_tell(other->name);
		schedule_delayed_work(&cm_alone_work, CM_ALONE_POLL);
	}
	return 0;
}

/**
 * cm_alone_forget() - undo each cm_alone_add(): we are about to go ourselves
 *
 * Context: process context.
 */
void cm_alone_forget(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_alone_lock, flags);
	INIT_LIST_HEAD(&cm_alones);
	WRITE_ONCE(cm_alone_is_lost, true);
	raw_spin_unlock_irqrestore(&cm_alone_lock, flags);
}

/**
 * cm_alone_end() - undo cm_alone_begin()
 *
 * Context: process context, may sleep; nothing is watched any more.
 */
void cm_alone_end(void)
{
	cancel_delayed_work_sync(&cm_alone_work);
}
