/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uprobes: breakpoints that the kernel puts into programs, for root.
 *
 * They are kept account of, place by place: the kernel's own flag of an mm stays
 * set when the last one has gone. As long as there is one, the guard treats the
 * process as traced. More than that: none of its tasks is in user mode. They may
 * be anywhere in a program: in the middle of an instruction, where they do not
 * trap, but change what it does, or among data. That would steer a program, which
 * goes on when they have gone. (Those that were there before it opened the device
 * nobody knows.) And a process is locked where the kernel would not put back what
 * it has taken away: it takes that from the file, not from memory.
 *
 * So it does while a handler may be running, see handlers.h.
 *
 * The hook is called at the entry of the kernel's function that its name says, see
 * hooks.c; in process context.
 *
 * Locks: cm_breakpoints.at's own, innermost; the mmap_lock where said.
 */
#ifndef _CM_UPROBES_H
#define _CM_UPROBES_H

#include <linux/types.h>
#include <linux/xarray.h>

struct arch_uprobe;
struct cm_domain;
struct ftrace_ops;
struct ftrace_regs;
struct mm_struct;
struct page;

/**
 * struct cm_breakpoints - where a domain's mm has breakpoints of uprobes
 * @at: address -> what is mapped there, to be compared only
 * @setting: the one that is being set; under the mmap_lock, as is
 * @again: there was one at the same place, as far as we know
 * @before: there may be such from before
 * @looked: when cm_uprobes_forget() last did, jiffies
 */
struct cm_breakpoints {
	struct xarray at;
	struct arch_uprobe *setting;
	bool again;
	bool before;
	unsigned long looked;
};

void cm_uprobes_setup(struct cm_breakpoints *b, struct mm_struct *mm);
void cm_uprobes_teardown(struct cm_breakpoints *b);
int cm_uprobes_inherit(struct cm_breakpoints *child,
		       struct cm_breakpoints *parent);
bool cm_uprobes_watch(struct cm_domain *d);
void cm_uprobes_forget(struct cm_domain *d);
bool cm_uprobes_explain(struct cm_domain *d, struct page *page,
			unsigned long at);
void cm_uprobes_fail(struct cm_domain *d, unsigned long at);
void cm_uprobes_look(struct cm_domain *d);
void cm_uprobes_stand(struct cm_domain *d);

void cm_uprobes_on_set_swbp(unsigned long ip, unsigned long parent_ip,
			    struct ftrace_ops *ops, struct ftrace_regs *fregs);

#endif /* _CM_UPROBES_H */
