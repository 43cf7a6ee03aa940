/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard: keeps plaintext from debuggers, now and later.
 *
 * Looking. While a task of the domain is traced, or its mm has uprobes, the
 * window is put out before any of its threads gets to user mode, and a thread
 * that touches a page is parked until the last tracer has gone. One exception:
 * as long as no tracer has let a stopped thread go on, no code and no system
 * call of a tracer's making can be running, so a system call that the owner
 * began before may be served: poll() has to write its results when the
 * debugger's SIGSTOP ends it, or the debugger would wait for ever. Another: the
 * frame of a signal, on a stack in a region, is written and read back: to fail
 * would kill the program, and what is in it the debugger sees as registers.
 * (Where events of the kernel might read what is around it, it waits.) What
 * an io_uring has to do at such moments is not served: EFAULT in its result.
 *
 * Later, a system call that touches a page is broken off, because it may hold
 * locks; the thread waits on its way to user mode, and the call is started again
 * from its beginning when the tracer has gone or a signal has been handled.
 *
 * Changing. Once someone outside writes to the process's memory or sets its
 * registers, its domain is sealed before the change takes effect, and locked
 * until it exits: every touch gives SIGBUS.
 *
 * A region made while traced may be used by its own process under that tracer,
 * whatever else holds, until the tracer leaves.
 *
 * Locks: map_lock where said. The rest may be called anywhere but NMI.
 */
#ifndef _CM_GUARD_H
#define _CM_GUARD_H

#include <linux/jiffies.h>
#include <linux/types.h>

/* How often a parked thread looks whether the tracer has gone. */
#define CM_PARK_POLL	(HZ / 50 ?: 1)

struct cm_domain;
struct cm_notifier;
struct cm_region;
struct pid;
struct task_struct;
struct vm_fault;

/**
 * enum cm_verdict - what becomes of a fault
 * @CM_ADMIT: it is served
 * @CM_PARK: not while somebody is watching
 * @CM_WAIT: the same, within the kernel, for what must not fail and holds no lock
 * @CM_REFUSE: never: SIGBUS
 */
enum cm_verdict {
	CM_ADMIT,
	CM_PARK,
	CM_WAIT,
	CM_REFUSE,
};

bool cm_guard_suspects(struct cm_domain *d, struct task_struct *t);
void cm_guard_work(struct cm_notifier *n);
bool cm_guard_frame_end(struct cm_notifier *n);

enum cm_verdict cm_guard_verdict(struct cm_domain *d, struct cm_region *region,
				 struct cm_notifier *n,
				 const struct vm_fault *vmf);
void cm_guard_break_off(struct cm_notifier *n);
struct pid *cm_guard_tracer(struct cm_domain *d);
bool cm_guard_traced(struct cm_domain *d);
bool cm_guard_exempts(struct cm_region *region);

void cm_guard_watch(struct cm_domain *d, bool resumed);
void cm_guard_change_tracer(struct cm_domain *d);
void cm_guard_put_out(struct cm_domain *d);
bool cm_guard_try_put_out(struct cm_domain *d);
void cm_guard_alter(struct cm_domain *d);
void cm_guard_lock(struct cm_domain *d, const char *what,
		   struct task_struct *by);

#endif /* _CM_GUARD_H */
