/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * instruments: what looks at a process from inside its own context, put there by
 * root: uprobes (see uprobes.h), kprobes that fetch user memory, perf, BPF
 * programs.
 *
 * They fetch from user memory while the owner runs, with functions that must
 * not fault: for an address in a region they get an error. Call chains are
 * fetched without a function: an owner's are followed by us instead. (What BPF writes
 * to user memory passes no function that can be watched; kernel lockdown, of
 * either degree, forbids it.) Where they could be nested so deep that the kernel
 * no longer calls us, everybody is treated as traced: see alone.h.
 *
 * Each hook is called at the entry of the kernel's function that its name says,
 * see hooks.c; in any context, NMI included.
 *
 * Locks: none.
 */
#ifndef _CM_INSTRUMENTS_H
#define _CM_INSTRUMENTS_H

#include <linux/types.h>

struct cm_domain;
struct ftrace_ops;
struct ftrace_regs;

bool cm_instruments_watch(struct cm_domain *d);
void cm_instruments_cover(struct cm_domain *d, unsigned long start,
			  unsigned long end);
void cm_instruments_settle(struct cm_domain *d);
void cm_instruments_exit(void);

#define CM_INSTRUMENTS_HOOK(name)                                             \
	void cm_instruments_on_##name(unsigned long ip,                       \
				      unsigned long parent_ip,                \
				      struct ftrace_ops *ops,                 \
				      struct ftrace_regs *fregs)

CM_INSTRUMENTS_HOOK(read);
CM_INSTRUMENTS_HOOK(length);
CM_INSTRUMENTS_HOOK(read_nmi);
CM_INSTRUMENTS_HOOK(read_bpf);
CM_INSTRUMENTS_HOOK(sample);
CM_INSTRUMENTS_HOOK(chain);
CM_INSTRUMENTS_HOOK(walk);

#endif /* _CM_INSTRUMENTS_H */
