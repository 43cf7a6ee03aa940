// SPDX-License-Identifier: GPL-2.0-only
/*
 * growth: see growth.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/time64.h>
#include <linux/xarray.h>

#include "cipher.h"
#include "domain.h"
#include "growth.h"

static unsigned int window = 32;
module_param(window, uint, 0644);
MODULE_PARM_DESC(window, "pages of a domain that may be mapped at once, to begin with (32; 8 to window_max)");

static unsigned int window_max;
module_param(window_max, uint, 0644);
MODULE_PARM_DESC(window_max, "the most that a process may ask for, pages (8 to 65536; 512, or what this machine seals in 2 ms, if that is less)");

static unsigned int window_grow = 4;
module_param(window_grow, uint, 0644);
MODULE_PARM_DESC(window_grow, "times its size a window may grow to while what was put out of it keeps coming back (4; 1: it does not grow; at most window_max)");

/* All of a window is sealed with interrupts off: for about so long at most. */
#define CM_SEAL_MAX_NS	(2 * NSEC_PER_MSEC)
#define CM_GROWTH_MOST	512U

/* Over so many switches it is counted what comes back. */
#define CM_GROWTH_SWITCHES	16U

/**
 * cm_growth_init() - see how large a window may be on this machine
 *
 * Unless the administrator has said so.
 *
 * Context: process context, may sleep. There is a cipher.
 * Return: 0.
 */
int cm_growth_init(void)
{
	unsigned int least = clamp(window, CM_WINDOW_MIN, CM_GROWTH_MOST);
	u64 ns, most;

	if (window_max)
		return 0;
	/* There and back. */
	ns = cm_cipher_speed();
	most = div64_u64(2 * CM_SEAL_MAX_NS, max_t(u64, ns, 1));
	window_max = clamp_t(u64, most, least, CM_GROWTH_MOST);
	if (ns == U64_MAX)
		pr_warn("window_max=%u: the cipher's speed cannot be told\n",
			window_max);
	else if (window_max < CM_GROWTH_MOST)
		pr_info("window_max=%u: %llu ns to seal and unseal a page\n",
			window_max, ns);
	return 0;
}

/**
 * cm_growth_exit() - undo cm_growth_init()
 */
void cm_growth_exit(void)
{
}

/**
 * cm_growth_max() - the largest limit that may be set
 *
 * Return: pages.
 */
unsigned int cm_growth_max(void)
{
	return clamp(READ_ONCE(window_max), CM_WINDOW_MIN, 65536U);
}

/**
 * cm_growth_default() - the limit that a new domain gets
 *
 * Return: pages, within the bounds.
 */
unsigned int cm_growth_default(void)
{
	return clamp(READ_ONCE(window), CM_WINDOW_MIN, cm_growth_max());
}

/**
 * cm_growth_setup() - a window that has not grown
 * @g: its growth
 * @base: its size, pages
 *
 * Context: any.
 */
void cm_growth_setup(struct cm_growth *g, unsigned int base)
{
	g->base = base;
}

/**
 * cm_growth_inherit() - give a child's window the size that its parent's began with
 * @child: the child's domain, which nobody else can reach
 * @parent: the parent's, map_lock held
 *
 * Context: any.
 */
void cm_growth_inherit(struct cm_domain *child, struct cm_domain *parent)
{
	child->window.growth.base = parent->window.growth.base;
	child->window.growth.fixed = parent->window.growth.fixed;
	child->window.limit = child->window.growth.base;
}

/**
 * cm_growth_fix() - a window gets the size that its process asked for, for good
 * @d: the domain; map_lock is held
 * @limit: pages
 *
 * Context: any. More frames than that may be in it: the caller puts them out.
 */
void cm_growth_fix(struct cm_domain *d, unsigned int limit)
{
	lockdep_assert_held(&d->map_lock);
	d->window.limit = limit;
	d->window.growth.base = limit;
	d->window.growth.fixed = true;
}

/* How large a window may be now, pages; the administrator may change it. */
static unsigned int cm_growth_cap(const struct cm_window *w)
{
	u64 most = (u64)w->growth.base * READ_ONCE(window_grow);

	if (w->growth.fixed)
		return w->growth.base;
	most = min_t(u64, most, cm_growth_max());
	return max_t(u64, most, w->growth.base);
}

/* Switches since the count began. */
static u64 cm_growth_switches(struct cm_domain *d)
{
	return READ_ONCE(d->window.departures) - d->window.growth.since;
}

static void cm_growth_begin(struct cm_domain *d)
{
	struct cm_growth *g = &d->window.growth;
	struct cm_page *pg;
	unsigned long at;

	xa_for_each_marked(&d->pages, at, pg, CM_EVICTED)
		xa_clear_mark(&d->pages, at, CM_EVICTED);
	g->since = READ_ONCE(d->window.departures);
	g->out = 0;
	g->returned = 0;
}

/*
 * Whether to count at all. What is long ago is forgotten, and what is more than
 * any window would hold: somebody goes through memory once.
 */
static bool cm_growth_counts(struct cm_domain *d)
{
	unsigned int cap = cm_growth_cap(&d->window);

	lockdep_assert_held(&d->map_lock);
	if (d->window.limit >= cap)
		return false;
	if (cm_growth_switches(d) > CM_GROWTH_SWITCHES ||
	    d->window.growth.out > 4 * cap)
		cm_growth_begin(d);
	return true;
}

/**
 * cm_growth_evicted() - a page was put out of a full window
 * @d: the domain; map_lock is held
 * @pgoff: the page
 *
 * Context: process context.
 */
void cm_growth_evicted(struct cm_domain *d, pgoff_t pgoff)
{
	/* One that was never written has no entry, and cost little. */
	if (!cm_growth_counts(d) || !xa_load(&d->pages, pgoff))
		return;
	xa_set_mark(&d->pages, pgoff, CM_EVICTED);
	d->window.growth.out++;
}

/**
 * cm_growth_returned() - a page comes into the window
 * @d: the domain; map_lock is held
 * @pgoff: the page
 *
 * Context: process context.
 */
void cm_growth_returned(struct cm_domain *d, pgoff_t pgoff)
{
	if (!cm_growth_counts(d) ||
	    !xa_get_mark(&d->pages, pgoff, CM_EVICTED))
		return;
	xa_clear_mark(&d->pages, pgoff, CM_EVICTED);
	d->window.growth.out--;
	d->window.growth.returned++;
}

/**
 * cm_growth_grow() - make a full window larger, if that pays
 * @d: the domain; map_lock is held
 *
 * What the process uses is in the window or was put out of it. Were it touched
 * at random, a share of g / (limit + out) of the returns would be saved by g
 * frames more, which are to be sealed and unsealed at each switch. An eviction
 * and a fault cost twice as much: so it pays when from one switch to the next
 * half of that number of pages return.
 *
 * Context: process context.
 * Return: whether there is room now.
 */
bool cm_growth_grow(struct cm_domain *d)
{
	struct cm_window *w = &d->window;
	u64 uses, switches;

	if (!cm_growth_counts(d))
		return false;
	uses = (u64)w->limit + w->growth.out;
	switches = max_t(u64, cm_growth_switches(d), 1);
	if (2ULL * w->growth.returned < uses * switches)
		return false;
	w->limit = min(w->limit + w->limit / 2, cm_growth_cap(w));
	cm_growth_begin(d);
	return true;
}

/**
 * cm_growth_shrink() - make a window smaller of which little is used
 * @d: the domain; map_lock is held, and the window is empty
 * @used: how much of it was in use, pages
 *
 * Or of which more is used than it may have now.
 *
 * Context: process context.
 */
void cm_growth_shrink(struct cm_domain *d, unsigned int used)
{
	struct cm_window *w = &d->window;

	lockdep_assert_held(&d->map_lock);
	if (used < w->limit / 2)
		w->limit = max(w->limit / 2, w->growth.base);
	w->limit = min(w->limit, cm_growth_cap(w));
}
