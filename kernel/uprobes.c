// SPDX-License-Identifier: GPL-2.0-only
/*
 * uprobes: see uprobes.h.
 */
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/uprobes.h>

#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "sched.h"
#include "tasks.h"
#include "uprobes.h"

/**
 * cm_uprobes_setup() - prepare for breakpoints
 * @b: a domain's
 */
void cm_uprobes_setup(struct cm_breakpoints *b)
{
	xa_init(&b->at);
}

/**
 * cm_uprobes_teardown() - give back what they took
 * @b: a domain's, which nobody finds any more
 *
 * Context: any.
 */
void cm_uprobes_teardown(struct cm_breakpoints *b)
{
	xa_destroy(&b->at);
}

/**
 * cm_uprobes_inherit() - a child has the breakpoints of its parent
 * @child: the child's domain's, empty
 * @parent: its parent's. None is set or removed while a process forks
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int cm_uprobes_inherit(struct cm_breakpoints *child,
		       struct cm_breakpoints *parent)
{
	unsigned long at;
	void *entry;
	int err;

	child->unknown = READ_ONCE(parent->unknown);
	xa_for_each(&parent->at, at, entry) {
		err = xa_err(xa_store(&child->at, at, entry, GFP_KERNEL));
		if (err)
			return err;
	}
	return 0;
}

/* Whether there are breakpoints, or may be. */
static bool cm_uprobes_set(struct cm_domain *d)
{
	struct cm_breakpoints *b = &d->breakpoints;

	return test_bit(MMF_HAS_UPROBES, &d->mm->flags) &&
	       (READ_ONCE(b->unknown) || !xa_empty(&b->at));
}

/**
 * cm_uprobes_watch() - whether handlers of uprobes may be called
 * @d: the domain
 *
 * Context: any.
 * Return: whether there are breakpoints in its mm, or a handler is under way, or
 * may be.
 */
bool cm_uprobes_watch(struct cm_domain *d)
{
	return atomic_read(&d->breakpoints.handlers) || cm_uprobes_set(d);
}

/* What is mapped there; NULL: nothing that could have one. */
static void *cm_uprobes_mapped(struct mm_struct *mm, unsigned long at)
{
	struct vm_area_struct *vma = vma_lookup(mm, at);

	return vma && vma->vm_file ? vma->vm_file->f_mapping : NULL;
}

/**
 * cm_uprobes_forget() - forget the breakpoints whose code has been unmapped
 * @d: the domain; its mmap_lock is held
 *
 * Nobody tells: who waits for the last to go has to look.
 *
 * Context: process context.
 */
void cm_uprobes_forget(struct cm_domain *d)
{
	struct xarray *all = &d->breakpoints.at;
	unsigned long at;
	void *mapped;

	xa_for_each(all, at, mapped)
		if (cm_uprobes_mapped(d->mm, at) != mapped)
			xa_erase(all, at);
}

/**
 * cm_uprobes_end() - a task calls no handler any more
 * @n: its notifier: it is on its way to user mode, or it will never be
 *
 * Context: any.
 */
void cm_uprobes_end(struct cm_notifier *n)
{
	if (test_and_clear_bit(CM_HANDLER, &n->flags))
		atomic_dec(&n->domain->breakpoints.handlers);
}

#ifdef CONFIG_UPROBES
static void cm_uprobes_add(struct cm_domain *d, unsigned long at)
{
	struct cm_breakpoints *b = &d->breakpoints;
	void *mapped = cm_uprobes_mapped(d->mm, at);

	if (!mapped || xa_err(xa_store(&b->at, at, mapped, GFP_ATOMIC)))
		WRITE_ONCE(b->unknown, true);
}

static void cm_uprobes_remove(struct cm_domain *d, unsigned long at)
{
	xa_erase(&d->breakpoints.at, at);
}

/* Both take an arch_uprobe, the mm, and the address, under its mmap_lock. */
static void cm_uprobes_change(struct ftrace_regs *fregs,
			      void (*change)(struct cm_domain *d,
					     unsigned long at))
{
	struct mm_struct *mm = (void *)cm_ftrace_argument(fregs, 1);
	struct cm_domain *d;

	static_assert(__same_type(set_swbp, int(struct arch_uprobe *,
						struct mm_struct *,
						unsigned long)));
	static_assert(__same_type(set_orig_insn, set_swbp));

	rcu_read_lock();
	d = cm_domain_find(mm);
	if (d) {
		change(d, cm_ftrace_argument(fregs, 2));
		cm_guard_watch(d, true);
	}
	rcu_read_unlock();
}

/**
 * cm_uprobes_on_set_swbp() - a breakpoint is about to be set
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 */
void notrace cm_uprobes_on_set_swbp(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
	cm_uprobes_change(fregs, cm_uprobes_add);
}

/**
 * cm_uprobes_on_set_orig_insn() - one is about to be removed
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 */
void notrace cm_uprobes_on_set_orig_insn(unsigned long ip,
					 unsigned long parent_ip,
					 struct ftrace_ops *ops,
					 struct ftrace_regs *fregs)
{
	cm_uprobes_change(fregs, cm_uprobes_remove);
}

/*
 * Nobody is served from now on, and nothing is left of what was served before.
 * False: that would have to wait, where it may not.
 */
static bool cm_uprobes_begin(struct cm_domain *d, struct cm_notifier *n)
{
	if (!test_and_set_bit(CM_HANDLER, &n->flags))
		atomic_inc(&d->breakpoints.handlers);
	/* Pairs with cm_uprobes_remove(), whoever goes on after that. */
	smp_mb__after_atomic();
	/* Then all was put out before it was set, and nobody served since. */
	if (cm_uprobes_set(d))
		return true;
	/* Others watch this function, too: we are called from a list. */
	if (!preemptible())
		return false;
	cm_guard_put_out(d);
	return true;
}

/* @otherwise takes the place of the function if it must not be called now. */
static void cm_uprobes_on_handler(struct ftrace_regs *fregs, void *otherwise)
{
	struct cm_domain *d = cm_domain_find_get(current->mm);
	struct cm_notifier *n;

	if (!d)
		return;
	n = cm_tasks_notifier(current, d);
	/* It sleeps: no region is left when the module is being unloaded. */
	if (n && try_module_get(THIS_MODULE)) {
		if (!cm_uprobes_begin(d, n))
			cm_ftrace_divert(fregs, otherwise);
		cm_sched_queue_work(n);
		module_put(THIS_MODULE);
	}
	cm_domain_put(d);
}

/* Take the place of the two: have it happen again, a little later. */
static void cm_uprobes_trap_again(struct pt_regs *regs)
{
	clear_thread_flag(TIF_UPROBE);
	instruction_pointer_set(regs, cm_trap_address(regs));
	schedule_timeout_interruptible(CM_PARK_POLL);
}

static void cm_uprobes_return_again(struct pt_regs *regs)
{
	/* Where a function returns to, there is a page for that. */
	instruction_pointer_set(regs, instruction_pointer(regs) & PAGE_MASK);
	schedule_timeout_interruptible(CM_PARK_POLL);
}

/**
 * cm_uprobes_on_notify_resume() - uprobe_notify_resume()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 *
 * The caller has run into a breakpoint, or ends the single step after it.
 *
 * Context: process context, on the way to user mode; takes map_lock.
 */
void notrace cm_uprobes_on_notify_resume(unsigned long ip,
					 unsigned long parent_ip,
					 struct ftrace_ops *ops,
					 struct ftrace_regs *fregs)
{
	/* No handler is called after the step. */
	if (current->utask && current->utask->active_uprobe)
		return;
	cm_uprobes_on_handler(fregs, cm_uprobes_trap_again);
}

/**
 * cm_uprobes_on_trampoline() - uprobe_handle_trampoline()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 *
 * The caller returns from a function, perhaps by a system call for that.
 *
 * Context: process context; takes map_lock.
 */
void notrace cm_uprobes_on_trampoline(unsigned long ip,
				      unsigned long parent_ip,
				      struct ftrace_ops *ops,
				      struct ftrace_regs *fregs)
{
	cm_uprobes_on_handler(fregs, cm_uprobes_return_again);
}
#endif /* CONFIG_UPROBES */
