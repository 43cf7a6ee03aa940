// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats: see stats.h. For people and tools, in debugfs:
 *
 *	/sys/kernel/debug/cryptmem/totals	name value, a line each
 *	/sys/kernel/debug/cryptmem/domains	a line for each live domain, named
 *						in the first
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "domain.h"
#include "guard.h"
#include "stats.h"
#include "tasks.h"

/**
 * struct cm_counter - a counter as it is shown
 * @name: its name
 * @offset: where it is in struct cm_counts
 * @worst: it is a maximum, not a sum
 */
struct cm_counter {
	const char *name;
	size_t offset;
	bool worst;
};

static const struct cm_counter cm_counters[] = {
	{ "seals", offsetof(struct cm_counts, seals) },
	{ "clean_seals", offsetof(struct cm_counts, clean_seals) },
	{ "unseals", offsetof(struct cm_counts, unseals) },
	{ "switch_seals", offsetof(struct cm_counts, switch_seals) },
	{ "switch_ns", offsetof(struct cm_counts, switch_ns) },
	{ "switch_ns_max", offsetof(struct cm_counts, switch_ns_max), true },
	{ "tampered", offsetof(struct cm_counts, tampered) },
	{ "faults", offsetof(struct cm_counts, faults) },
	{ "evictions", offsetof(struct cm_counts, evictions) },
	{ "locks", offsetof(struct cm_counts, locks) },
	{ "plain_ns", offsetof(struct cm_counts, plain_ns) },
};

/* Under no lock: for people, whom a number that was right a moment ago will do. */
#define cm_stats_look(number)	data_race(number)

static DEFINE_RAW_SPINLOCK(cm_stats_lock);
static struct cm_counts cm_retired; /* under cm_stats_lock */
static struct dentry *cm_stats_dir;

static u64 *cm_stats_counter(struct cm_counts *c, unsigned int i)
{
	return (void *)c + cm_counters[i].offset;
}

static void cm_stats_add(struct cm_counts *to, struct cm_counts *c)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cm_counters); i++) {
		u64 *sum = cm_stats_counter(to, i);
		u64 value = cm_stats_look(*cm_stats_counter(c, i));

		*sum = cm_counters[i].worst ? max(*sum, value) : *sum + value;
	}
	atomic64_add(atomic64_read(&c->parked), &to->parked);
	atomic64_add(atomic64_read(&c->refused), &to->refused);
}

/**
 * cm_stats_retire() - keep the numbers of a domain that has just died
 * @d: the domain
 *
 * Context: any.
 */
void cm_stats_retire(struct cm_domain *d)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_stats_lock, flags);
	cm_stats_add(&cm_retired, &d->counts);
	raw_spin_unlock_irqrestore(&cm_stats_lock, flags);
}

/**
 * struct cm_totals - what is summed over live domains
 * @counts: counters
 * @domains: how many domains
 * @regions: their regions
 * @pages: pages they have used
 * @frames: pages in their windows
 */
struct cm_totals {
	struct cm_counts counts;
	u64 domains;
	u64 regions;
	u64 pages;
	u64 frames;
};

/* Somebody may be running. */
static void cm_stats_settle(struct cm_domain *d)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&d->lock, flags);
	cm_window_count_plain(d);
	raw_spin_unlock_irqrestore(&d->lock, flags);
}

static void cm_stats_sum(struct cm_domain *d, void *arg)
{
	struct cm_totals *t = arg;

	cm_stats_settle(d);
	cm_stats_add(&t->counts, &d->counts);
	t->domains++;
	t->regions += cm_stats_look(d->regions);
	t->pages += cm_stats_look(d->used_pages);
	t->frames += READ_ONCE(d->window.count);
}

static int cm_totals_show(struct seq_file *m, void *unused)
{
	struct cm_totals t = {};
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&cm_stats_lock, flags);
	cm_stats_add(&t.counts, &cm_retired);
	raw_spin_unlock_irqrestore(&cm_stats_lock, flags);
	cm_domain_for_each(cm_stats_sum, &t);

	seq_printf(m, "domains %llu\n", t.domains);
	seq_printf(m, "regions %llu\n", t.regions);
	seq_printf(m, "used_pages %llu\n", t.pages);
	seq_printf(m, "window_pages %llu\n", t.frames);
	for (i = 0; i < ARRAY_SIZE(cm_counters); i++)
		seq_printf(m, "%s %llu\n", cm_counters[i].name,
			   *cm_stats_counter(&t.counts, i));
	seq_printf(m, "parked %lld\n", atomic64_read(&t.counts.parked));
	seq_printf(m, "refused %lld\n", atomic64_read(&t.counts.refused));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(cm_totals);

static const char *cm_stats_state(struct cm_domain *d)
{
	if (READ_ONCE(d->locked))
		return "locked";
	if (cm_guard_traced(d))
		return cm_tasks_parked(d) ? "parked" : "traced";
	if (READ_ONCE(d->broken))
		return "broken";
	return cm_stats_look(d->regions) ? "active" : "empty";
}

static void cm_stats_show_domain(struct cm_domain *d, void *arg)
{
	struct seq_file *m = arg;
	unsigned int i;

	cm_stats_settle(d);
	seq_printf(m, "%d ", READ_ONCE(d->pid));
	seq_escape(m, d->comm, " \t\n\\");
	seq_printf(m, " %s %u %llu %llu %u %u", cm_stats_state(d),
		   cm_stats_look(d->regions), cm_stats_look(d->mapped_pages),
		   cm_stats_look(d->used_pages), READ_ONCE(d->window.count),
		   cm_stats_look(d->window.limit));
	for (i = 0; i < ARRAY_SIZE(cm_counters); i++)
		seq_printf(m, " %llu",
			   cm_stats_look(*cm_stats_counter(&d->counts, i)));
	seq_printf(m, " %lld %lld\n", atomic64_read(&d->counts.parked),
		   atomic64_read(&d->counts.refused));
}

static int cm_domains_show(struct seq_file *m, void *unused)
{
	unsigned int i;

	seq_puts(m, "pid comm state regions mapped_pages used_pages window_pages window");
	for (i = 0; i < ARRAY_SIZE(cm_counters); i++)
		seq_printf(m, " %s", cm_counters[i].name);
	seq_puts(m, " parked refused\n");
	cm_domain_for_each(cm_stats_show_domain, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(cm_domains);

/**
 * cm_stats_init() - show the numbers
 *
 * Nothing depends on it: without debugfs the module works all the same.
 *
 * Context: process context, may sleep.
 * Return: 0.
 */
int cm_stats_init(void)
{
	cm_stats_dir = debugfs_create_dir("cryptmem", NULL);
	debugfs_create_file("totals", 0400, cm_stats_dir, NULL,
			    &cm_totals_fops);
	debugfs_create_file("domains", 0400, cm_stats_dir, NULL,
			    &cm_domains_fops);
	return 0;
}

/**
 * cm_stats_exit() - undo cm_stats_init()
 *
 * Context: process context, may sleep.
 */
void cm_stats_exit(void)
{
	debugfs_remove_recursive(cm_stats_dir);
}
