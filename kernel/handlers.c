// SPDX-License-Identifier: GPL-2.0-only
/*
 * handlers: see handlers.h.
 */
#include <linux/atomic.h>
#include <linux/ftrace.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/uprobes.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "handlers.h"
#include "hold.h"
#include "sched.h"
#include "tasks.h"

/*
 * From one state to another. It is counted before it leaves the first, and as long
 * as it is in another one.
 */
static bool cm_handlers_step(struct cm_notifier *n, enum cm_handler from,
			     enum cm_handler to)
{
	atomic_t *handlers = &n->domain->handlers;
	bool stepped;

	if (from == CM_NO_HANDLER)
		atomic_inc(handlers);
	stepped = atomic_cmpxchg(&n->handler, from, to) == from;
	if (stepped ? to == CM_NO_HANDLER : from == CM_NO_HANDLER)
		atomic_dec(handlers);
	return stepped;
}

/**
 * cm_handlers_calling() - whether a task may be calling a handler
 * @n: its notifier
 *
 * Context: any.
 * Return: whether it may.
 */
bool cm_handlers_calling(struct cm_notifier *n)
{
	return atomic_read(&n->handler) == CM_HANDLING;
}

/**
 * cm_handlers_any() - whether some task may be calling a handler
 * @d: its domain
 *
 * Context: any. Whoever begins to puts all out, under map_lock, before.
 * Return: whether one may, or is about to.
 */
bool cm_handlers_any(struct cm_domain *d)
{
	return atomic_read(&d->handlers);
}

/**
 * cm_handlers_end() - a task calls no handler any more
 * @n: its notifier: it is on its way to user mode, or writes to user memory, which
 *	handlers do not
 *
 * Context: any.
 */
void cm_handlers_end(struct cm_notifier *n)
{
	cm_handlers_step(n, CM_HANDLING, CM_NO_HANDLER);
}

/**
 * cm_handlers_give_up() - nor is it about to: it has to be made ready anew
 * @n: its notifier
 *
 * Context: any.
 */
void cm_handlers_give_up(struct cm_notifier *n)
{
	cm_handlers_step(n, CM_ARMED, CM_NO_HANDLER);
}

/**
 * cm_handlers_suspect() - was a new task of a domain in a handler before it was one?
 * @n: its notifier; the task does not run
 *
 * It was none that would have been put out for. Who is there for a system call is
 * in none, but for that which is for handlers.
 *
 * Context: any.
 * Return: whether it may be in one: it is to be kicked then.
 */
bool cm_handlers_suspect(struct cm_notifier *n)
{
#ifdef CONFIG_UPROBES
	int nr = syscall_get_nr(n->task, task_pt_regs(n->task));

	if (n->task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return false;
	if (!n->task->utask &&
	    !test_bit(MMF_HAS_UPROBES, &n->domain->mm->flags))
		return false;
#ifdef __NR_uretprobe
	if (nr == __NR_uretprobe)
		nr = -1;
#endif
	return nr < 0 && cm_handlers_step(n, CM_NO_HANDLER, CM_HANDLING);
#else
	return false;
#endif
}

/**
 * cm_handlers_forget() - forget who was about to call one, and does not come
 * @d: the domain
 *
 * They come at once, or not at all, where the breakpoint has gone meanwhile. Most
 * often there is none.
 *
 * Context: any.
 */
void cm_handlers_forget(struct cm_domain *d)
{
	struct cm_notifier *n;

	if (!cm_handlers_any(d))
		return;
	rcu_read_lock();
	list_for_each_entry_rcu(n, &d->tasks, link)
		if (atomic_read_acquire(&n->handler) == CM_ARMED &&
		    time_after(jiffies, READ_ONCE(n->armed) + HZ / 10))
			cm_handlers_give_up(n);
	rcu_read_unlock();
}

#ifdef CONFIG_UPROBES
/* Nobody is served from now on, and nothing is left of what was served before. */
static void cm_handlers_arm(void)
{
	struct cm_domain *d = cm_domain_find_get(current->mm);
	struct cm_notifier *n = d ? cm_tasks_notifier(current, d) : NULL;

	if (n) {
		/* They would hardly ever find that there is no other one. */
		if (atomic_read(&d->waiters))
			schedule_timeout_killable(CM_PARK_POLL + 1);
		WRITE_ONCE(n->armed, jiffies);
		cm_handlers_step(n, CM_NO_HANDLER, CM_ARMED);
		cm_guard_put_out(d);
		/* That may have taken long. */
		WRITE_ONCE(n->armed, jiffies);
	}
	if (d)
		cm_domain_put(d);
	cm_hold_end();
}

/* Take the place of the two: have it happen again. */
static void cm_handlers_trap_again(struct pt_regs *regs)
{
	clear_thread_flag(TIF_UPROBE);
	instruction_pointer_set(regs, cm_trap_address(regs));
	cm_handlers_arm();
}

static void cm_handlers_return_again(struct pt_regs *regs)
{
	/* Where a function returns to, there is a page for that. */
	instruction_pointer_set(regs, instruction_pointer(regs) & PAGE_MASK);
	cm_handlers_arm();
}

/* @otherwise takes the place of the function when all has to be put out first. */
static void cm_handlers_on_call(struct ftrace_regs *fregs, void *otherwise)
{
	struct cm_domain *d;
	struct cm_notifier *n;

	rcu_read_lock();
	d = cm_domain_find(current->mm);
	n = d ? cm_tasks_notifier(current, d) : NULL;
	if (n && (cm_handlers_step(n, CM_ARMED, CM_HANDLING) ||
		  cm_handlers_calling(n)))
		/* That ends it. */
		cm_sched_queue_work(n);
	else if (n && cm_hold())
		/* No region is left when the module is being unloaded. */
		cm_ftrace_divert(fregs, otherwise);
	rcu_read_unlock();
}

/**
 * cm_handlers_on_notify_resume() - uprobe_notify_resume()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 *
 * The caller has run into a breakpoint, or ends the single step after it.
 *
 * Context: process context, on the way to user mode.
 */
void notrace cm_handlers_on_notify_resume(unsigned long ip,
					  unsigned long parent_ip,
					  struct ftrace_ops *ops,
					  struct ftrace_regs *fregs)
{
	/* No handler is called after the step. */
	if (current->utask && current->utask->active_uprobe)
		return;
	cm_handlers_on_call(fregs, cm_handlers_trap_again);
}

/**
 * cm_handlers_on_trampoline() - uprobe_handle_trampoline()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 *
 * The caller returns from a function, perhaps by a system call for that.
 *
 * Context: process context.
 */
void notrace cm_handlers_on_trampoline(unsigned long ip,
				       unsigned long parent_ip,
				       struct ftrace_ops *ops,
				       struct ftrace_regs *fregs)
{
	cm_handlers_on_call(fregs, cm_handlers_return_again);
}
#endif /* CONFIG_UPROBES */
