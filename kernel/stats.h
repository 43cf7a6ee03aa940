/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats: what happened, in numbers. Never keys, never contents.
 *
 * Counters of a domain are plain words: each is written under one of the
 * domain's locks, named below, and read without any. When a domain goes, its
 * numbers are added to those of the departed, so that totals never fall.
 */
#ifndef _CM_STATS_H
#define _CM_STATS_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * struct cm_counts - counters of a domain
 * @seals: frames encrypted; lock
 * @clean_seals: frames only wiped; lock
 * @unseals: frames decrypted; lock
 * @switch_seals: seals of the whole domain at a context switch; lock
 * @switch_ns: nanoseconds spent in them and in the unseals; lock
 * @switch_ns_max: the longest of those; lock
 * @plain_ns: nanoseconds in which frames held plaintext; lock
 * @tampered: ciphertexts that did not authenticate; lock
 * @faults: page faults served; map_lock
 * @evictions: frames put out because the window was full; map_lock
 * @locks: 1 when it was locked; map_lock
 * @parked: threads parked because of a tracer; atomic
 * @refused: reads answered with ciphertext or refused, writes refused, registers
 *	not shown, touches answered with SIGBUS; atomic
 */
struct cm_counts {
	u64 seals;
	u64 clean_seals;
	u64 unseals;
	u64 switch_seals;
	u64 switch_ns;
	u64 switch_ns_max;
	u64 plain_ns;
	u64 tampered;
	u64 faults;
	u64 evictions;
	u64 locks;
	atomic64_t parked;
	atomic64_t refused;
};

struct cm_domain;

int cm_stats_init(void);
void cm_stats_exit(void);
void cm_stats_retire(struct cm_domain *d);

#endif /* _CM_STATS_H */
