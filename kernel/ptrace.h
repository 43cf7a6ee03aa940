/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ptrace: what a tracer's requests mean for the process that it traces.
 *
 * What a request sets takes effect when the thread goes on, which takes another
 * request of the same tracer, or its death: so it is enough to seal before the
 * tracer is back in user mode, by task work, which also runs when it is killed.
 * One that has attached has not done anything yet.
 *
 * Takes no locks but the guard's.
 */
#ifndef _CM_PTRACE_H
#define _CM_PTRACE_H

struct ftrace_ops;
struct ftrace_regs;

void cm_ptrace_on_request(unsigned long ip, unsigned long parent_ip,
			  struct ftrace_ops *ops, struct ftrace_regs *fregs);
void cm_ptrace_on_attach(unsigned long ip, unsigned long parent_ip,
			 struct ftrace_ops *ops, struct ftrace_regs *fregs);

#endif /* _CM_PTRACE_H */
