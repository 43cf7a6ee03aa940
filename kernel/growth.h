/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * growth: how large windows are; one that is too small for what is in use grows.
 *
 * A page that was put out of a full window and comes back has cost an eviction
 * and a fault. A frame more would have cost one more to seal and unseal, at each
 * context switch. So where much comes back between two switches the window grows,
 * to window_grow times its size at most: all of it is sealed with interrupts off.
 * It shrinks again when ageing (idle.h) finds that less is used; and by half when
 * its owner has slept for long. A process that has asked for a size keeps that.
 *
 * Locks: everything here wants map_lock held, of a domain that others can reach.
 */
#ifndef _CM_GROWTH_H
#define _CM_GROWTH_H

#include <linux/types.h>

struct cm_domain;

/**
 * struct cm_growth - what the last evictions were worth; under map_lock
 * @base: pages that the window begins with, and shrinks to
 * @fixed: the process has asked for that size
 * @since: cm_window.departures when the rest was 0
 * @out: pages evicted since then that have not come back, or were forgotten
 * @returned: those that have
 */
struct cm_growth {
	unsigned int base;
	bool fixed;
	u64 since;
	unsigned int out;
	unsigned int returned;
};

#define CM_WINDOW_MIN	8U

/* Of cm_domain.pages: counted in ->out. */
#define CM_EVICTED	XA_MARK_1

int cm_growth_init(void);
void cm_growth_exit(void);
unsigned int cm_growth_default(void);
unsigned int cm_growth_max(void);

void cm_growth_setup(struct cm_growth *g, unsigned int base);
void cm_growth_inherit(struct cm_domain *child, struct cm_domain *parent);

void cm_growth_fix(struct cm_domain *d, unsigned int limit);

void cm_growth_evicted(struct cm_domain *d, pgoff_t pgoff);
void cm_growth_returned(struct cm_domain *d, pgoff_t pgoff);
bool cm_growth_grow(struct cm_domain *d);
void cm_growth_shrink(struct cm_domain *d, unsigned int used);

#endif /* _CM_GROWTH_H */
