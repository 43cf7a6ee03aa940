/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handlers: what the kernel calls for breakpoints of uprobes, for root.
 *
 * A handler reads user memory as the process itself would. It need not have to do
 * with a breakpoint that is there now: the end of a function calls whoever watches
 * it, long after the breakpoint at its beginning has gone; who has run into one
 * may be late; and who waits for the disk in a handler goes on when it has gone.
 *
 * So none is called before all has been put out. That sleeps, which a hook may
 * not: the hook sends the task to a function of ours, which puts out and has the
 * task run into the breakpoint once more; then the hook lets it pass. Handlers are
 * called on the way to user mode, or by a system call that is made for that alone:
 * that a task comes to user mode afterwards tells that they are over.
 *
 * Each hook is called at the entry of the kernel's function that its name says,
 * see hooks.c; in process context.
 *
 * Locks: none; map_lock is taken where all is put out.
 */
#ifndef _CM_HANDLERS_H
#define _CM_HANDLERS_H

#include <linux/types.h>

struct cm_domain;
struct cm_notifier;
struct ftrace_ops;
struct ftrace_regs;

/**
 * enum cm_handler - whether a task may be calling a handler
 * @CM_NO_HANDLER: no
 * @CM_ARMED: all has been put out for it; it is about to
 * @CM_HANDLING: it may be
 *
 * In the latter two it is counted in cm_domain.handlers, and nothing is served
 * to anybody.
 */
enum cm_handler {
	CM_NO_HANDLER,
	CM_ARMED,
	CM_HANDLING,
};

bool cm_handlers_calling(struct cm_notifier *n);
bool cm_handlers_any(struct cm_domain *d);
bool cm_handlers_suspect(struct cm_notifier *n);
void cm_handlers_forget(struct cm_domain *d);
void cm_handlers_end(struct cm_notifier *n);
void cm_handlers_give_up(struct cm_notifier *n);

void cm_handlers_on_notify_resume(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs);
void cm_handlers_on_trampoline(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs);

#endif /* _CM_HANDLERS_H */
