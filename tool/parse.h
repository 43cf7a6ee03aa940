/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse: reads what the module shows in debugfs:
 *
 *	totals	"name value" lines
 *	domains	a line of column names, then a line for each domain
 *
 * What a newer module adds, names or columns, is passed over; what is missing
 * or malformed is an error: never a wrong number.
 */
#ifndef TOOL_PARSE_H
#define TOOL_PARSE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Counters that both files have, then those of only one of them. */
#define PARSE_COMMON(X)                                                    \
	X(regions) X(used_pages) X(window_pages) X(seals) X(clean_seals)   \
	X(unseals) X(switch_seals) X(switch_ns) X(switch_ns_max)           \
	X(tampered) X(faults) X(evictions) X(locks) X(parked)            \
	X(refused)
#define PARSE_TOTALS(X) X(domains) PARSE_COMMON(X)
#define PARSE_DOMAIN(X) X(mapped_pages) X(window) PARSE_COMMON(X)
#define PARSE_FIELD(name) uint64_t name;

struct totals {
	PARSE_TOTALS(PARSE_FIELD)
};

struct domain {
	int pid;
	char comm[64]; /* decoded and safe to print */
	char state[16];
	PARSE_DOMAIN(PARSE_FIELD)
};

/**
 * struct counter - where a number is, by name, to fill in and to show
 */
struct counter {
	const char *name;
	size_t offset;
};

extern const struct counter parse_totals_counters[]; /* up to name == NULL */
extern const struct counter parse_domain_counters[];

static inline uint64_t parse_counter(const void *of, const struct counter *c)
{
	return *(const uint64_t *)(const void *)((const char *)of + c->offset);
}

/* 0, or -1: malformed. */
int parse_u64(const char *text, uint64_t *value);
int parse_totals(FILE *file, struct totals *t);
/* How many, with *domains to be freed, or -1: malformed. */
int parse_domains(FILE *file, struct domain **domains);

#endif /* TOOL_PARSE_H */
