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
 * So it does while a handler may be running, which need not have to do with a
 * breakpoint that is there now: the end of a function calls whoever watches it,
 * long after the breakpoint at its beginning has gone; who has run into one
 * may be late; and who waits for the disk in a handler goes on when it has gone.
 * Handlers read user memory as the process itself would. So none is called before
 * all has been put out. That sleeps, which a hook may not: the hook sends the task
 * to a function of ours, which puts out and has the task run into the breakpoint
 * once more; then the hook lets it pass. Handlers are called on the way to user
 * mode, or by a system call that is made for that alone: that a task comes to user
 * mode afterwards tells that they are over.
 *
 * Each hook is called at the entry of the kernel's function that its name says,
 * see hooks.c; in process context.
 *
 * Locks: cm_breakpoints.at's own, innermost; map_lock, mmap_lock where said.
 */
#ifndef _CM_UPROBES_H
#define _CM_UPROBES_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct arch_uprobe;
struct cm_domain;
struct cm_notifier;
struct ftrace_ops;
struct ftrace_regs;
struct mm_struct;
struct page;

/**
 * enum cm_handler - whether a task may be calling a handler
 * @CM_NO_HANDLER: no
 * @CM_ARMED: all has been put out for it; it is about to
 * @CM_HANDLING: it may be
 *
 * In the latter two it is counted in cm_breakpoints.handlers, and nothing is served
 * to anybody.
 */
enum cm_handler {
	CM_NO_HANDLER,
	CM_ARMED,
	CM_HANDLING,
};

/**
 * struct cm_breakpoints - where a domain's mm has breakpoints of uprobes
 * @at: address -> what is mapped there, to be compared only
 * @setting: the one that is being set; under the mmap_lock, as is
 * @again: there was one at the same place, as far as we know
 * @before: there may be such from before
 * @handlers: tasks that may be calling a handler, or are about to
 * @waiters: tasks that look now and then whether there is none
 * @looked: when cm_uprobes_forget() last did, jiffies
 */
struct cm_breakpoints {
	struct xarray at;
	struct arch_uprobe *setting;
	bool again;
	bool before;
	atomic_t handlers;
	atomic_t waiters;
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
bool cm_uprobes_handling(struct cm_notifier *n);
bool cm_uprobes_handled(struct cm_domain *d);
bool cm_uprobes_suspect(struct cm_notifier *n);
void cm_uprobes_end(struct cm_notifier *n);
void cm_uprobes_give_up(struct cm_notifier *n);

#define CM_UPROBES_HOOK(name)                                                 \
	void cm_uprobes_on_##name(unsigned long ip, unsigned long parent_ip,  \
				  struct ftrace_ops *ops,                     \
				  struct ftrace_regs *fregs)

CM_UPROBES_HOOK(set_swbp);
CM_UPROBES_HOOK(notify_resume);
CM_UPROBES_HOOK(trampoline);

#endif /* _CM_UPROBES_H */
