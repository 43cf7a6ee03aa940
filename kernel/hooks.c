// SPDX-License-Identifier: GPL-2.0-only
/*
 * hooks: see hooks.h.
 *
 * As live patches do it: ftrace operations on function entries. Not kprobes,
 * which root can disarm (debugfs kprobes/enabled, sysctl kernel.ftrace_enabled);
 * FTRACE_OPS_FL_PERMANENT makes the kernel refuse the latter.
 *
 *  - get_user_pages_remote(), pin_user_pages_remote(): every write into another
 *    process's memory, and every uprobe. Sealing sleeps, a hook may not: so it
 *    sends the call to a function of ours, which seals and then makes the call.
 *    The caller holds the mmap_lock of the process, as always there.
 *  - arch_ptrace(), proc_ptrace_connector(): see ptrace.h.
 *  - fetches from user memory that must not fault: see instruments.h; breakpoints
 *    of uprobes: see uprobes.h; and their handlers: see handlers.h.
 *  - how the kernel's code is changed: see alone.h.
 *  - machine_kexec(): another kernel is about to be started, most often by a
 *    panic, which does that before it calls its notifiers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <asm/unistd.h>

#include "alone.h"
#include "change.h"
#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "handlers.h"
#include "hold.h"
#include "hooks.h"
#include "instruments.h"
#include "kick.h"
#include "power.h"
#include "ptrace.h"
#include "region.h"
#include "uprobes.h"

/**
 * struct cm_pass - lives on the stack of a call that has been dealt with
 * @hash: in cm_passes, by task
 * @task: who makes it
 */
struct cm_pass {
	struct hlist_node hash;
	struct task_struct *task;
};

static DEFINE_HASHTABLE(cm_passes, 8);
static DEFINE_RAW_SPINLOCK(cm_passes_lock);

static void cm_pass_enter(struct cm_pass *pass)
{
	unsigned long flags;

	pass->task = current;
	raw_spin_lock_irqsave(&cm_passes_lock, flags);
	hash_add(cm_passes, &pass->hash, (unsigned long)current);
	raw_spin_unlock_irqrestore(&cm_passes_lock, flags);
}

static void cm_pass_leave(struct cm_pass *pass)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_passes_lock, flags);
	hash_del(&pass->hash);
	raw_spin_unlock_irqrestore(&cm_passes_lock, flags);
}

static bool cm_pass_held(void)
{
	struct cm_pass *pass;
	unsigned long flags;
	bool held = false;

	raw_spin_lock_irqsave(&cm_passes_lock, flags);
	hash_for_each_possible(cm_passes, pass, hash, (unsigned long)current)
		held |= pass->task == current;
	raw_spin_unlock_irqrestore(&cm_passes_lock, flags);
	return held;
}

#define CM_HOOKS_WHAT	"memory written"	/* for the log */

static int cm_hooks_lock(struct mm_struct *mm)
{
	int err = cm_change_begin(mm, CM_HOOKS_WHAT);
	struct cm_domain *d;

	if (err)
		return err;
	d = cm_domain_find_get(mm);
	if (d) {
		cm_guard_lock(d, CM_HOOKS_WHAT, current);
		cm_domain_put(d);
	}
	return 0;
}

/* Nobody executes what is about to get a breakpoint. */
static void cm_hooks_stop(struct cm_domain *d)
{
	cm_guard_put_out(d);
	cm_kick_all_out(d);
}

/* Seal what is about to be changed or probed. The mm's mmap_lock is held. */
static int cm_hooks_foreign(struct mm_struct *mm, unsigned long start,
			    unsigned long nr_pages, unsigned int gup_flags)
{
	struct cm_domain *d = cm_domain_find_get(mm);
	int err = 0;

	/* Some callers give the address of a byte. */
	start &= PAGE_MASK;
	if (d && cm_region_covers(mm, start, start + (nr_pages << PAGE_SHIFT)))
		/* Regions cannot be written to: nothing will change. */
		atomic64_inc(&d->counts.refused);
	else if (gup_flags & FOLL_WRITE)
		/* Whether it is still that domain or not. */
		err = cm_hooks_lock(mm);
	else if (d)
		cm_hooks_stop(d);
	if (d)
		cm_domain_put(d);
	return err;
}

/* Only uprobes do that alone, to put a breakpoint in. */
static bool cm_hooks_probes(unsigned int gup_flags)
{
	return (gup_flags & (FOLL_SPLIT_PMD | FOLL_WRITE)) == FOLL_SPLIT_PMD;
}

/* A breakpoint is to be put on a page: what the call says. */
static void cm_hooks_breakpoint(struct mm_struct *mm, unsigned long at,
				struct page *page)
{
	struct cm_domain *d = cm_domain_find_get(mm);

	if (d && !page)
		cm_uprobes_fail(d, at);
	else if (d && !cm_uprobes_explain(d, page, at))
		cm_guard_lock(d, CM_HOOKS_WHAT, current);
	if (d)
		cm_domain_put(d);
}

/* Seal, then make the call that the hook took us away from. */
static long cm_hooks_detour(long (*call)(struct mm_struct *mm,
					 unsigned long start,
					 unsigned long nr_pages,
					 unsigned int gup_flags,
					 struct page **pages,
					 CM_GUP_PARAM int *locked),
			    struct mm_struct *mm, unsigned long start,
			    unsigned long nr_pages, unsigned int gup_flags,
			    struct page **pages, CM_GUP_PARAM int *locked)
{
	struct cm_pass pass;
	long ret;

	ret = cm_hooks_foreign(mm, start, nr_pages, gup_flags);
	if (!ret) {
		cm_pass_enter(&pass);
		ret = call(mm, start, nr_pages, gup_flags, pages,
			   CM_GUP_ARG locked);
		cm_pass_leave(&pass);
	}
	if (cm_hooks_probes(gup_flags))
		cm_hooks_breakpoint(mm, start, ret > 0 ? pages[0] : NULL);
	cm_hold_end();
	return ret;
}

static long cm_hooks_gup(struct mm_struct *mm, unsigned long start,
			 unsigned long nr_pages, unsigned int gup_flags,
			 struct page **pages, CM_GUP_PARAM int *locked)
{
	return cm_hooks_detour(get_user_pages_remote, mm, start, nr_pages,
			       gup_flags, pages, CM_GUP_ARG locked);
}

static long cm_hooks_pup(struct mm_struct *mm, unsigned long start,
			 unsigned long nr_pages, unsigned int gup_flags,
			 struct page **pages, CM_GUP_PARAM int *locked)
{
	return cm_hooks_detour(pin_user_pages_remote, mm, start, nr_pages,
			       gup_flags, pages, CM_GUP_ARG locked);
}

/* Takes a call's place where we could not remember what it changes. */
static long cm_hooks_no_memory(struct mm_struct *mm, unsigned long start,
			       unsigned long nr_pages, unsigned int gup_flags,
			       struct page **pages, CM_GUP_PARAM int *locked)
{
	return -ENOMEM;
}

/*
 * Whether others can reach an address space at all. exec() writes a program's
 * arguments into one that has no program yet, and so is nobody's.
 */
static bool cm_hooks_reachable(struct mm_struct *mm)
{
	return mm != current->mm && rcu_access_pointer(mm->exe_file);
}

/*
 * What is written into these pages may come after the process has a domain, or
 * another one than that. (Where it is refused, memory of a device may be written
 * to all the same.)
 */
static bool cm_hooks_remember(struct mm_struct *mm, struct ftrace_regs *fregs)
{
	if (!cm_change_begin(mm, CM_HOOKS_WHAT))
		return true;
	cm_ftrace_divert(fregs, cm_hooks_no_memory);
	return false;
}

/*
 * Whether a call into someone else's memory needs the detour. What it writes is
 * remembered where there is no domain that the detour would lock; another look
 * for one after that, as it may have been made meanwhile.
 */
static bool cm_hooks_concerns(struct ftrace_regs *fregs)
{
	struct mm_struct *mm = (void *)cm_ftrace_argument(fregs, 0);
	unsigned int gup_flags = cm_ftrace_argument(fregs, 3);
	struct cm_domain *d;
	bool concerns;

	if (!(gup_flags & FOLL_WRITE) && !cm_hooks_probes(gup_flags))
		return false;
	if (current->flags & PF_KTHREAD)
		return false;
	rcu_read_lock();
	d = cm_domain_find(mm);
	if (!d && (gup_flags & FOLL_WRITE) && cm_hooks_reachable(mm) &&
	    cm_hooks_remember(mm, fregs))
		d = cm_domain_find(mm);
	/* Breakpoints come to a file that the process itself maps, too. */
	if (mm == current->mm && !cm_hooks_probes(gup_flags))
		d = NULL;
	/* One that is locked, too: a tracer's exemption may have ended since. */
	concerns = d;
	rcu_read_unlock();
	return concerns && !cm_pass_held();
}

/* ->private is our function that takes the call's place. */
static void notrace cm_hooks_on_gup(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
	/* No region is left when the module is being unloaded. */
	if (!cm_hooks_concerns(fregs) || !cm_hold())
		return;
	cm_ftrace_divert(fregs, ops->private);
}

/* The other CPUs have been stopped. */
static void notrace cm_hooks_on_kexec(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *ops,
				      struct ftrace_regs *fregs)
{
	cm_power_wipe();
}

/**
 * struct cm_hook - a function of the kernel that is watched
 * @name: its name
 * @ops: how
 * @optional: not every kernel has it
 * @nested: it may be called within others' hooks, where we must not be left out;
 *	or it is what tells that we could be
 * @set: it is being watched
 * @alone: its entry, which has to be ours alone, if @nested
 */
struct cm_hook {
	const char *name;
	struct ftrace_ops ops;
	bool optional;
	bool nested;
	bool set;
	struct cm_alone alone;
};

/*
 * All as those that divert, though some only watch: only they are refused a
 * filter that is empty, which would be that for all functions. Where there was no
 * memory for its only entry, ftrace_set_filter() leaves such a one, and says that
 * all is well.
 *
 * No protection against recursion: it would leave us out where the function is
 * called from within others' hooks, two deep. (So does the kernel where somebody
 * else watches the same function: see alone.h.)
 */
#define CM_HOOK_FLAGS \
	(CM_FTRACE_KEEP | FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_IPMODIFY)

/* A function that reads user memory, for an instrument. */
#define CM_READS(of, hook)                                                    \
	{ .name = of, .ops = { .func = cm_instruments_on_##hook }, .nested = true }

static struct cm_hook cm_hooks[] = {
#ifdef CONFIG_X86
	/* First: they see the others set. A kernel has one, by either name. */
	{ "text_poke_queue",
	  { .func = cm_alone_on_patch },
	  .optional = true,
	  .nested = true },
	{ "smp_text_poke_batch_add",
	  { .func = cm_alone_on_patch },
	  .optional = true,
	  .nested = true },
#endif
	{ "get_user_pages_remote",
	  { .func = cm_hooks_on_gup, .private = cm_hooks_gup } },
	{ "pin_user_pages_remote",
	  { .func = cm_hooks_on_gup, .private = cm_hooks_pup } },
	{ "arch_ptrace", { .func = cm_ptrace_on_request } },
#ifdef CONFIG_COMPAT
	{ "compat_arch_ptrace", { .func = cm_ptrace_on_request } },
#endif
	CM_READS("copy_from_user_nofault", read),
	CM_READS("strncpy_from_user_nofault", read),
	CM_READS("strnlen_user_nofault", length),
#ifdef CM_HAVE_COPY_FROM_USER_NMI
	CM_READS("copy_from_user_nmi", read_nmi),
#elif defined(CONFIG_PERF_EVENTS)
	CM_READS("perf_output_sample", sample),
#endif
#ifdef CONFIG_ARM64
	/* They take an address of the user's here, and without PAN can read it. */
	CM_READS("copy_from_kernel_nofault", read),
	CM_READS("strncpy_from_kernel_nofault", read),
#endif
#ifdef CONFIG_BPF_SYSCALL
	{ "bpf_copy_from_user", { .func = cm_instruments_on_read_bpf } },
	{ "bpf_copy_from_user_str",
	  { .func = cm_instruments_on_read_bpf },
	  .optional = true },
#endif
#ifdef CONFIG_PERF_EVENTS
	CM_READS("perf_callchain_user", chain),
#endif
#ifdef CONFIG_USER_STACKTRACE_SUPPORT
	CM_READS("arch_stack_walk_user", walk),
#endif
#ifdef CONFIG_UPROBES
	{ "set_swbp", { .func = cm_uprobes_on_set_swbp } },
	{ "uprobe_notify_resume", { .func = cm_handlers_on_notify_resume } },
#ifdef __NR_uretprobe
	{ "uprobe_handle_trampoline", { .func = cm_handlers_on_trampoline } },
#endif
#ifdef __NR_uprobe
#error "this kernel has a system call for breakpoints of uprobes: not known here"
#endif
#endif
	{ "proc_ptrace_connector", { .func = cm_ptrace_on_attach } },
#ifdef CONFIG_KEXEC_CORE
	{ "machine_kexec", { .func = cm_hooks_on_kexec } },
#endif
};

static int cm_hooks_set(struct cm_hook *h)
{
	int err;

	h->ops.flags |= CM_HOOK_FLAGS;
	err = ftrace_set_filter(&h->ops, (unsigned char *)h->name,
				strlen(h->name), 1);
	if (err)
		return err == -EINVAL ? -ENOENT : err;
	if (h->nested)
		cm_alone_add(&h->alone, h->name, &h->ops);
	err = register_ftrace_function(&h->ops);
	h->set = !err;
	/* The filter is empty. */
	return err == -EINVAL ? -ENOMEM : err;
}

/**
 * cm_hooks_init() - begin to listen
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno with a line in the log.
 */
int cm_hooks_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cm_hooks); i++) {
		struct cm_hook *h = &cm_hooks[i];

		err = cm_hooks_set(h);
		if (!err || (h->optional && err == -ENOENT))
			continue;
		pr_err("cannot watch %s() in this kernel (%d; is kernel.ftrace_enabled 0, the function live-patched, or CONFIG_PROC_EVENTS not set?): no guard, no protection\n",
		       h->name, err);
		cm_hooks_exit();
		return err;
	}
	err = cm_alone_begin();
	if (err) {
		pr_err("cannot watch how this kernel changes its code (%d): no guard, no protection\n",
		       err);
		cm_hooks_exit();
	}
	return err;
}

/**
 * cm_hooks_exit() - undo cm_hooks_init()
 *
 * Calls under way hold the module, so none is; no new one is diverted when it is
 * being unloaded.
 *
 * Context: process context, may sleep.
 */
void cm_hooks_exit(void)
{
	unsigned int i;

	cm_alone_forget();
	for (i = 0; i < ARRAY_SIZE(cm_hooks); i++) {
		if (cm_hooks[i].set)
			unregister_ftrace_function(&cm_hooks[i].ops);
		ftrace_free_filter(&cm_hooks[i].ops);
		cm_hooks[i].set = false;
	}
	cm_alone_end();
	cm_instruments_exit();
}
