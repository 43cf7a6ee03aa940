// SPDX-License-Identifier: GPL-2.0-only
/*
 * window: see window.h.
 */
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/mm.h>

#include "domain.h"
#include "frame.h"
#include "rmap.h"
#include "trace.h"
#include "window.h"

/**
 * cm_window_setup() - make an empty window
 * @w: the window
 */
void cm_window_setup(struct cm_window *w)
{
	INIT_LIST_HEAD(&w->list);
	xa_init_flags(&w->frames, XA_FLAGS_ACCOUNT);
	w->limit = cm_growth_default();
	w->age_every = 1;
	cm_growth_setup(&w->growth, w->limit);
}

/**
 * cm_window_teardown() - give back what an empty window still has
 * @w: the window
 *
 * A frame that there was no memory to enter may have left nodes behind, on the
 * way to where it should have been.
 *
 * Context: any.
 */
void cm_window_teardown(struct cm_window *w)
{
	xa_destroy(&w->frames);
}

static void cm_window_clock(struct cm_domain *d, u64 start)
{
	u64 ns = ktime_get_mono_fast_ns() - start;

	d->counts.switch_ns += ns;
	if (ns > d->counts.switch_ns_max)
		d->counts.switch_ns_max = ns;
}

/* The window is plain, and not empty any more. The domain's lock is held. */
static void cm_window_plain_begin(struct cm_domain *d, u64 now)
{
	d->window.plain_since = now;
}

/* It is sealed, or empty. The domain's lock is held. */
static void cm_window_plain_end(struct cm_domain *d, u64 now)
{
	d->counts.plain_ns += now - d->window.plain_since;
}

/**
 * cm_window_grow_older() - the last of those that run leaves its CPU
 * @d: the domain; its lock is held
 *
 * Whether it is sealed now or later: what is not in use is to leave the window.
 *
 * Context: any, the scheduler's included.
 */
void cm_window_grow_older(struct cm_domain *d)
{
	struct cm_window *w = &d->window;

	if (!w->plain || list_empty(&w->list))
		return;
	WRITE_ONCE(w->departures, w->departures + 1);
	if (w->age_in)
		w->age_in--;
	else
		WRITE_ONCE(w->age_due, true);
}

/**
 * cm_window_count_plain() - have counts.plain_ns be right up to now
 * @d: the domain; its lock is held
 *
 * Context: any.
 */
void cm_window_count_plain(struct cm_domain *d)
{
	u64 now = ktime_get_mono_fast_ns();

	if (!d->window.plain || list_empty(&d->window.list))
		return;
	cm_window_plain_end(d, now);
	cm_window_plain_begin(d, now);
}

/**
 * cm_window_seal() - no plaintext from here on
 * @d: the domain; its lock is held
 *
 * Context: any, the scheduler's included, and a softirq when
 * cm_cipher_may_run(): the domain's lock held, irqs off. Bounded by the size of
 * the window.
 */
void cm_window_seal(struct cm_domain *d)
{
	struct cm_frame *f;
	u64 start;

	if (!d->window.plain)
		return;
	WRITE_ONCE(d->window.plain, false);
	WRITE_ONCE(d->window.sealed_at, jiffies);
	if (list_empty(&d->window.list))
		return;
	start = ktime_get_mono_fast_ns();
	list_for_each_entry(f, &d->window.list, list)
		cm_frame_seal(d, f);
	cm_window_plain_end(d, ktime_get_mono_fast_ns());
	d->counts.switch_seals++;
	cm_window_clock(d, start);
	trace_cryptmem_seal(d->mm, d->window.count);
}

/**
 * cm_window_unseal() - plaintext for the owner that is about to run
 * @d: the domain; its lock is held
 *
 * A frame that does not authenticate stays zero, and window.bad is set: whoever
 * runs next must call cm_window_put_out_bad() before it goes to user mode.
 *
 * Context: as cm_window_seal().
 */
void cm_window_unseal(struct cm_domain *d)
{
	struct cm_frame *f;
	u64 start;

	if (d->window.plain || d->window.held)
		return;
	WRITE_ONCE(d->window.plain, true);
	if (list_empty(&d->window.list))
		return;
	start = ktime_get_mono_fast_ns();
	WRITE_ONCE(d->window.unsealed_at, start);
	cm_window_plain_begin(d, start);
	list_for_each_entry(f, &d->window.list, list)
		cm_frame_unseal(d, f);
	cm_window_clock(d, start);
	trace_cryptmem_unseal(d->mm, d->window.count);
}

/**
 * cm_window_wipe() - leave no plaintext to whoever comes after this kernel
 * @d: the domain
 *
 * Context: any, when no other CPU runs any more, and no task will.
 */
void cm_window_wipe(struct cm_domain *d)
{
	struct cm_frame *f;

	/* That kernel may come back to this one, and its owner is to know. */
	d->window.plain = false;
	list_for_each_entry(f, &d->window.list, list) {
		cm_frame_wipe(f);
		if (f->dirty)
			cm_frame_lose(f);
	}
}

/*
 * Take a frame, unmapped before, out of the window; it is zero then. With @save
 * its contents go into the store, else they are thrown away.
 */
static void cm_window_take_out(struct cm_domain *d, struct cm_frame *f,
			       bool save)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	if (save)
		cm_frame_save(d, f);
	cm_frame_wipe(f);
	list_del(&f->list);
	WRITE_ONCE(d->window.count, d->window.count - 1);
	if (!d->window.count && d->window.plain)
		cm_window_plain_end(d, ktime_get_mono_fast_ns());
	raw_spin_unlock_irqrestore(&d->lock, flags);

	xa_erase(&d->window.frames, f->pgoff);
}

/**
 * cm_window_add() - have a frame take part in sealing and unsealing
 * @d: the domain; map_lock is held
 * @f: the frame, bound to its page, not mapped yet
 *
 * Context: process context of a running owner, may sleep.
 * Return: 0 and the frame is plain while the window is, -ENOMEM, or -EBADMSG
 * when the ciphertext is not ours. On error the frame is not in the window.
 */
int cm_window_add(struct cm_domain *d, struct cm_frame *f)
{
	unsigned long flags;
	bool bad;
	int err;

	lockdep_assert_held(&d->map_lock);
	err = xa_err(xa_store(&d->window.frames, f->pgoff, f, GFP_KERNEL));
	if (err)
		return err;
	raw_spin_lock_irqsave(&d->lock, flags);
	list_add_tail(&f->list, &d->window.list);
	if (!d->window.count && d->window.plain)
		cm_window_plain_begin(d, ktime_get_mono_fast_ns());
	WRITE_ONCE(d->window.count, d->window.count + 1);
	if (d->window.plain)
		cm_frame_unseal(d, f);
	/* Not earlier: whoever waits for it must get to use it. */
	f->since = ktime_get_mono_fast_ns();
	bad = f->bad;
	raw_spin_unlock_irqrestore(&d->lock, flags);
	if (!bad)
		return 0;
	cm_window_take_out(d, f, false);
	return -EBADMSG;
}

/* The same for one that was mapped: its owner is to know when it is bad. */
static void cm_window_take_away(struct cm_domain *d, struct cm_frame *f,
				bool save)
{
	cm_window_take_out(d, f, save);
	if (f->bad)
		d->window.lost = true;
}

/* Unmapped before it is taken out: nobody may write to it while it is saved. */
static void cm_window_remove(struct cm_domain *d, struct cm_frame *f, bool save)
{
	cm_rmap_zap(d, f->pgoff);
	cm_window_take_away(d, f, save);
}

static void cm_window_expel(struct cm_domain *d, struct cm_frame *f, bool save)
{
	cm_window_remove(d, f, save);
	cm_frame_free(f);
}

/**
 * cm_window_evict() - put out the oldest frame
 * @d: the domain; map_lock is held, and its window is not empty
 *
 * Context: process context, may sleep.
 * Return: the frame, bound to no page; the caller's.
 */
struct cm_frame *cm_window_evict(struct cm_domain *d)
{
	struct cm_frame *f;

	f = list_first_entry(&d->window.list, struct cm_frame, list);
	cm_window_remove(d, f, true);
	cm_frame_unbind(f);
	cm_growth_evicted(d, f->pgoff);
	d->counts.evictions++;
	return f;
}

/**
 * cm_window_put_out() - unmap and seal frames
 * @d: the domain; map_lock is held
 * @keep: says which regions' frames stay, or NULL: none
 *
 * Context: process context, may sleep; may be called with an mmap_lock held.
 */
void cm_window_put_out(struct cm_domain *d,
		       bool (*keep)(struct cm_region *region))
{
	struct cm_frame *f, *next;

	lockdep_assert_held(&d->map_lock);
	list_for_each_entry_safe(f, next, &d->window.list, list) {
		if (keep && keep(f->region))
			continue;
		cm_window_expel(d, f, true);
	}
}

/**
 * cm_window_try_put_out() - the same for all of them, without waiting for others
 * @d: the domain; map_lock is held
 *
 * Context: process context, may sleep; may be called with an mmap_lock held.
 * Return: whether it is done; else nothing has happened.
 */
bool cm_window_try_put_out(struct cm_domain *d)
{
	struct cm_frame *f, *next;

	lockdep_assert_held(&d->map_lock);
	if (!cm_rmap_try_zap_all(d))
		return false;
	list_for_each_entry_safe(f, next, &d->window.list, list) {
		cm_window_take_away(d, f, true);
		cm_frame_free(f);
	}
	return true;
}

/**
 * cm_window_hold() - seal it, whoever runs, and have it stay sealed
 * @d: the domain
 * @mapped: some of it may be mapped yet, and be written to by a system call that is
 *	under way: what is there is not taken for ciphertext then
 *
 * For who cannot wait for map_lock. Whoever maps something after this, or has just
 * done so, is to see it, and to put it out; who goes to user mode, too.
 *
 * Context: any.
 */
void cm_window_hold(struct cm_domain *d, bool mapped)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	WRITE_ONCE(d->window.held, true);
	d->window.torn |= mapped;
	cm_window_seal(d);
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/**
 * cm_window_let_go() - undo cm_window_hold(): before a page comes into the window,
 * or its owner to user mode
 * @d: the domain; map_lock is held
 *
 * Context: process context of a running owner, may sleep.
 */
void cm_window_let_go(struct cm_domain *d)
{
	unsigned long flags;

	if (likely(!READ_ONCE(d->window.held)))
		return;
	cm_window_put_out(d, NULL);
	raw_spin_lock_irqsave(&d->lock, flags);
	WRITE_ONCE(d->window.held, false);
	d->window.torn = false;
	cm_window_unseal(d);
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

/**
 * cm_window_put_out_bad() - unmap the frames that did not authenticate
 * @d: the domain; map_lock is held
 *
 * The next touch reads the store again, fails again, and gives SIGBUS. But a
 * system call that was under way when the owner came back to its CPU has
 * perhaps read the zeros that were there until now: tell the owner, too.
 *
 * Context: process context of the owner, may sleep.
 * Return: whether there were any, here or put out before.
 */
bool cm_window_put_out_bad(struct cm_domain *d)
{
	struct cm_frame *f, *next;
	unsigned long flags;
	bool any;

	lockdep_assert_held(&d->map_lock);
	list_for_each_entry_safe(f, next, &d->window.list, list)
		if (f->bad)
			cm_window_expel(d, f, false);
	/* Not earlier: who comes to its CPU meanwhile is to wait here, too. */
	raw_spin_lock_irqsave(&d->lock, flags);
	any = false;
	list_for_each_entry(f, &d->window.list, list)
		any |= f->bad;
	WRITE_ONCE(d->window.bad, any);
	raw_spin_unlock_irqrestore(&d->lock, flags);
	any = d->window.lost;
	d->window.lost = false;
	return any;
}

/**
 * cm_window_put_out_old() - unmap and seal what has been plaintext for long
 * @d: the domain; map_lock is held
 * @before: since before then, in ktime_get_mono_fast_ns()'s nanoseconds
 *
 * Context: process context, may sleep.
 * Return: since when the oldest of those that stay is plaintext, or 0.
 */
u64 cm_window_put_out_old(struct cm_domain *d, u64 before)
{
	struct cm_frame *f, *next;
	u64 since;

	lockdep_assert_held(&d->map_lock);
	/* Oldest first; all are at most as old as the last unsealing. */
	list_for_each_entry_safe(f, next, &d->window.list, list) {
		since = max(f->since, READ_ONCE(d->window.unsealed_at));
		if (since > before)
			return since;
		cm_window_expel(d, f, true);
	}
	return 0;
}

/**
 * cm_window_throw_away() - drop frames and what they hold
 * @d: the domain; map_lock is held
 * @first: first page
 * @last: last page, included
 *
 * Context: process context, may sleep.
 */
void cm_window_throw_away(struct cm_domain *d, pgoff_t first, pgoff_t last)
{
	struct cm_frame *f;
	unsigned long at;

	lockdep_assert_held(&d->map_lock);
	/* Mostly unmapped already; but never free what might be mapped. */
	xa_for_each_range(&d->window.frames, at, f, first, last) {
		cm_window_expel(d, f, false);
	}
}

/**
 * cm_window_resize() - set how many frames there may be
 * @d: the domain; map_lock is held
 * @limit: pages
 *
 * Context: process context, may sleep.
 * Return: 0, or -ERANGE.
 */
int cm_window_resize(struct cm_domain *d, unsigned int limit)
{
	lockdep_assert_held(&d->map_lock);
	if (limit < CM_WINDOW_MIN || limit > cm_growth_max())
		return -ERANGE;
	cm_growth_fix(d, limit);
	while (d->window.count > limit)
		cm_frame_free(cm_window_evict(d));
	return 0;
}
