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
 *  - arch_ptrace(): every request to a stopped thread. What it sets takes
 *    effect when that thread goes on, which takes another request of the same
 *    tracer, or its death: so it is enough to seal before the tracer is back in
 *    user mode, by task work, which also runs when it is killed.
 *  - proc_ptrace_connector(): someone has attached, and has not done anything
 *    yet.
 *  - fetches from user memory that must not fault, and uprobes' breakpoints: see
 *    instruments.h.
 *  - machine_kexec(): another kernel is about to be started, most often by a
 *    panic, which does that before it calls its notifiers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/task_work.h>
#ifdef CONFIG_X86
#include <linux/user.h>
#include <asm/prctl.h>
#endif

#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "hooks.h"
#include "instruments.h"
#include "power.h"
#include "region.h"

/**
 * struct cm_pass - lives on the stack of a call that has been dealt with
 * @link: in cm_passes
 * @task: who makes it
 */
struct cm_pass {
	struct list_head link;
	struct task_struct *task;
};

static LIST_HEAD(cm_passes);
static DEFINE_RAW_SPINLOCK(cm_passes_lock);

static void cm_pass_enter(struct cm_pass *pass)
{
	unsigned long flags;

	pass->task = current;
	raw_spin_lock_irqsave(&cm_passes_lock, flags);
	list_add(&pass->link, &cm_passes);
	raw_spin_unlock_irqrestore(&cm_passes_lock, flags);
}

static void cm_pass_leave(struct cm_pass *pass)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&cm_passes_lock, flags);
	list_del(&pass->link);
	raw_spin_unlock_irqrestore(&cm_passes_lock, flags);
}

static bool cm_pass_held(void)
{
	struct cm_pass *pass;
	unsigned long flags;
	bool held = false;

	raw_spin_lock_irqsave(&cm_passes_lock, flags);
	list_for_each_entry(pass, &cm_passes, link)
		held |= pass->task == current;
	raw_spin_unlock_irqrestore(&cm_passes_lock, flags);
	return held;
}

/* Seal what is about to be changed or probed. The mm's mmap_lock is held. */
static void cm_hooks_foreign(struct mm_struct *mm, unsigned long start,
			     unsigned long nr_pages, unsigned int gup_flags)
{
	struct cm_domain *d = cm_domain_find_get(mm);

	if (!d)
		return;
	/* Some callers give the address of a byte. */
	start &= PAGE_MASK;
	if (cm_region_covers(mm, start, start + (nr_pages << PAGE_SHIFT)))
		/* Regions cannot be written to: nothing will change. */
		atomic64_inc(&d->counts.refused);
	else if (gup_flags & FOLL_WRITE)
		cm_guard_lock(d, "memory written");
	else
		cm_guard_put_out(d);
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

	cm_hooks_foreign(mm, start, nr_pages, gup_flags);
	cm_pass_enter(&pass);
	ret = call(mm, start, nr_pages, gup_flags, pages, CM_GUP_ARG locked);
	cm_pass_leave(&pass);
	module_put(THIS_MODULE);
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

/* Whether a call into someone else's memory needs the detour. */
static bool cm_hooks_concerns(struct ftrace_regs *fregs)
{
	struct mm_struct *mm = (void *)cm_ftrace_argument(fregs, 0);
	unsigned int gup_flags = cm_ftrace_argument(fregs, 3);
	struct cm_domain *d;
	bool concerns;

	/* Only uprobes split huge pages here, to put a breakpoint in. */
	if (!(gup_flags & (FOLL_WRITE | FOLL_SPLIT_PMD)))
		return false;
	if (current->flags & PF_KTHREAD)
		return false;
	rcu_read_lock();
	d = cm_domain_find(mm);
	if (mm == current->mm) {
		/* A breakpoint for a file that the process itself maps. */
		if (d && (gup_flags & FOLL_SPLIT_PMD))
			cm_guard_watch(d, true);
		d = NULL;
	}
	concerns = d && !(READ_ONCE(d->locked) && (gup_flags & FOLL_WRITE));
	rcu_read_unlock();
	return concerns && !cm_pass_held();
}

/* ->private is our function that takes the call's place. */
static void notrace cm_hooks_on_gup(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
	/* No region is left when the module is being unloaded. */
	if (!cm_hooks_concerns(fregs) || !try_module_get(THIS_MODULE))
		return;
	cm_ftrace_divert(fregs, ops->private);
}

static void cm_hooks_change_work(struct callback_head *work)
{
	struct cm_domain *d = container_of(work, struct cm_domain, change);

	cm_guard_lock(d, "registers set");
	cm_domain_put(d);
	module_put(THIS_MODULE);
}

/* From now on no fault is served; the rest is work for the tracer. */
static void cm_hooks_changed(struct cm_domain *d)
{
	WRITE_ONCE(d->altered, true);
	if (!atomic_xchg(&d->changed, 1) && refcount_inc_not_zero(&d->ref)) {
		init_task_work(&d->change, cm_hooks_change_work);
		if (try_module_get(THIS_MODULE)) {
			if (!task_work_add(current, &d->change, TWA_RESUME))
				return;
			module_put(THIS_MODULE);
		}
		cm_domain_put(d);
	}
	/* The window is put out as each thread goes to user mode. */
	cm_guard_watch(d, true);
}

/*
 * Whether a request may set what the thread computes with: each that is not
 * known to be harmless. Memory written is seen by get_user_pages_remote().
 */
static bool cm_hooks_changes(long request, unsigned long addr,
			     unsigned long data)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
	case PTRACE_PEEKUSR:
	case PTRACE_CONT:
	case PTRACE_KILL:
	case PTRACE_SINGLESTEP:
	case PTRACE_DETACH:
	case PTRACE_SYSCALL:
	case PTRACE_SETOPTIONS:
	case PTRACE_GETEVENTMSG:
	case PTRACE_GETSIGINFO:
	case PTRACE_GETREGSET:
	case PTRACE_INTERRUPT:
	case PTRACE_LISTEN:
	case PTRACE_PEEKSIGINFO:
	case PTRACE_GETSIGMASK:
	case PTRACE_SECCOMP_GET_FILTER:
	case PTRACE_SECCOMP_GET_METADATA:
	case PTRACE_GET_SYSCALL_INFO:
	case PTRACE_GET_RSEQ_CONFIGURATION:
#ifdef PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG
	case PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
#endif
#ifdef CONFIG_X86
	case PTRACE_GETREGS:
	case PTRACE_GETFPREGS:
	case PTRACE_GETFPXREGS:
	case PTRACE_GET_THREAD_AREA:
	case PTRACE_OLDSETOPTIONS:
	case PTRACE_SINGLEBLOCK:
#endif
#ifdef CONFIG_ARM64
	case PTRACE_PEEKMTETAGS:
	/* Of 32-bit tracers; the last sets debug registers. */
	case COMPAT_PTRACE_GETREGS:
	case COMPAT_PTRACE_GETVFPREGS:
	case COMPAT_PTRACE_GET_THREAD_AREA:
	case COMPAT_PTRACE_GETHBPREGS:
	case COMPAT_PTRACE_SETHBPREGS:
#endif
		return false;
#ifdef PTRACE_ARCH_PRCTL
	case PTRACE_ARCH_PRCTL:
		return data != ARCH_GET_FS && data != ARCH_GET_GS &&
		       data != ARCH_GET_CPUID;
#endif
#ifdef CONFIG_X86
	case PTRACE_POKEUSR:
		/* Debug registers stop the thread, they do not steer it. */
		return addr < offsetof(struct user, u_debugreg);
#endif
#ifdef CONFIG_ARM64
	case PTRACE_SETREGSET:
		/* Nor do these. */
		return addr != NT_ARM_HW_BREAK && addr != NT_ARM_HW_WATCH;
#endif
	default:
		return true;
	}
}

/* Whether a request reads what the thread computes with. */
static bool cm_hooks_reads(long request)
{
	switch (request) {
#ifdef PTRACE_GETREGS
	case PTRACE_GETREGS:
#endif
#ifdef PTRACE_GETFPREGS
	case PTRACE_GETFPREGS:
#endif
#ifdef PTRACE_GETFPXREGS
	case PTRACE_GETFPXREGS:
#endif
#ifdef CONFIG_ARM64
	case COMPAT_PTRACE_GETREGS:
	case COMPAT_PTRACE_GETVFPREGS:
	case COMPAT_PTRACE_GET_THREAD_AREA:
#endif
	case PTRACE_GETREGSET:
	case PTRACE_GET_SYSCALL_INFO:
	case PTRACE_PEEKUSR:
		return true;
	default:
		return false;
	}
}

/* Takes the place of arch_ptrace() for what is not to be had. */
static long cm_hooks_denied(struct task_struct *child, long request,
			    unsigned long addr, unsigned long data)
{
	return -EPERM;
}

/* Whether a request lets the stopped thread go on under its tracer. */
static bool cm_hooks_resumes(long request)
{
	switch (request) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
#ifdef PTRACE_SINGLEBLOCK
	case PTRACE_SINGLEBLOCK:
#endif
		return true;
	default:
		return false;
	}
}

static void notrace cm_hooks_on_ptrace(unsigned long ip,
				       unsigned long parent_ip,
				       struct ftrace_ops *ops,
				       struct ftrace_regs *fregs)
{
	struct task_struct *child = (void *)cm_ftrace_argument(fregs, 0);
	long request = (int)cm_ftrace_argument(fregs, 1);
	unsigned long addr = cm_ftrace_argument(fregs, 2);
	unsigned long data = cm_ftrace_argument(fregs, 3);
	struct cm_domain *d;

	rcu_read_lock();
	d = cm_domain_find(READ_ONCE(child->mm));
	if (d) {
		if (READ_ONCE(d->hides) && cm_hooks_reads(request)) {
			atomic64_inc(&d->counts.refused);
			cm_ftrace_divert(fregs, cm_hooks_denied);
		} else if (cm_hooks_changes(request, addr, data)) {
			cm_hooks_changed(d);
		} else if (cm_hooks_resumes(request)) {
			cm_guard_watch(d, true);
		} else if (request == PTRACE_DETACH) {
			cm_guard_change_tracer(d);
		}
	}
	rcu_read_unlock();
}

static void notrace cm_hooks_on_attach(unsigned long ip,
				       unsigned long parent_ip,
				       struct ftrace_ops *ops,
				       struct ftrace_regs *fregs)
{
	struct task_struct *t = (void *)cm_ftrace_argument(fregs, 0);
	int request = cm_ftrace_argument(fregs, 1);
	struct cm_domain *d;

	if (request != PTRACE_ATTACH)
		return;
	rcu_read_lock();
	d = cm_domain_find(READ_ONCE(t->mm));
	if (d)
		cm_guard_change_tracer(d);
	rcu_read_unlock();
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
 * @set: it is being watched
 */
struct cm_hook {
	const char *name;
	struct ftrace_ops ops;
	bool optional;
	bool set;
};

#define CM_HOOK_WATCH	(CM_FTRACE_KEEP | FTRACE_OPS_FL_PERMANENT)
#define CM_HOOK_DIVERT	(CM_HOOK_WATCH | FTRACE_OPS_FL_IPMODIFY)
/* Called from within hooks of others, which would else not be followed by ours. */
#define CM_HOOK_NESTED	(CM_HOOK_DIVERT | FTRACE_OPS_FL_RECURSION)

static struct cm_hook cm_hooks[] = {
	{ "get_user_pages_remote",
	  { .func = cm_hooks_on_gup, .flags = CM_HOOK_DIVERT,
	    .private = cm_hooks_gup } },
	{ "pin_user_pages_remote",
	  { .func = cm_hooks_on_gup, .flags = CM_HOOK_DIVERT,
	    .private = cm_hooks_pup } },
	{ "arch_ptrace",
	  { .func = cm_hooks_on_ptrace, .flags = CM_HOOK_DIVERT } },
#ifdef CONFIG_COMPAT
	{ "compat_arch_ptrace",
	  { .func = cm_hooks_on_ptrace, .flags = CM_HOOK_DIVERT } },
#endif
	{ "copy_from_user_nofault",
	  { .func = cm_instruments_on_read, .flags = CM_HOOK_NESTED } },
	{ "strncpy_from_user_nofault",
	  { .func = cm_instruments_on_read, .flags = CM_HOOK_NESTED } },
	{ "strnlen_user_nofault",
	  { .func = cm_instruments_on_length, .flags = CM_HOOK_NESTED } },
#ifdef CM_HAVE_COPY_FROM_USER_NMI
	{ "copy_from_user_nmi",
	  { .func = cm_instruments_on_read_nmi, .flags = CM_HOOK_NESTED } },
#elif defined(CONFIG_PERF_EVENTS)
	{ "perf_output_sample",
	  { .func = cm_instruments_on_sample,
	    .flags = CM_HOOK_WATCH | FTRACE_OPS_FL_RECURSION } },
#endif
#ifdef CONFIG_ARM64
	/* They take an address of the user's here, and without PAN can read it. */
	{ "copy_from_kernel_nofault",
	  { .func = cm_instruments_on_read, .flags = CM_HOOK_NESTED } },
	{ "strncpy_from_kernel_nofault",
	  { .func = cm_instruments_on_read, .flags = CM_HOOK_NESTED } },
#endif
#ifdef CONFIG_BPF_SYSCALL
	{ "bpf_copy_from_user",
	  { .func = cm_instruments_on_read_bpf, .flags = CM_HOOK_NESTED } },
	{ "bpf_copy_from_user_str",
	  { .func = cm_instruments_on_read_bpf, .flags = CM_HOOK_NESTED },
	  .optional = true },
#endif
#ifdef CONFIG_PERF_EVENTS
	{ "perf_callchain_user",
	  { .func = cm_instruments_on_chain, .flags = CM_HOOK_NESTED } },
#endif
#ifdef CONFIG_USER_STACKTRACE_SUPPORT
	{ "arch_stack_walk_user",
	  { .func = cm_instruments_on_walk, .flags = CM_HOOK_NESTED } },
#endif
#ifdef CONFIG_UPROBES
	{ "set_swbp",
	  { .func = cm_instruments_on_set_swbp, .flags = CM_HOOK_WATCH } },
	{ "set_orig_insn",
	  { .func = cm_instruments_on_set_orig_insn, .flags = CM_HOOK_WATCH } },
#endif
	{ "proc_ptrace_connector",
	  { .func = cm_hooks_on_attach, .flags = CM_HOOK_WATCH } },
#ifdef CONFIG_KEXEC_CORE
	{ "machine_kexec",
	  { .func = cm_hooks_on_kexec, .flags = CM_HOOK_WATCH } },
#endif
};

static int cm_hooks_set(struct cm_hook *h)
{
	int err = ftrace_set_filter(&h->ops, (unsigned char *)h->name,
				    strlen(h->name), 1);

	if (!err)
		err = register_ftrace_function(&h->ops);
	h->set = !err;
	return err;
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
		if (!err || (h->optional && err == -EINVAL))
			continue;
		pr_err("cannot watch %s() in this kernel (%d; is kernel.ftrace_enabled 0, the function live-patched, or CONFIG_PROC_EVENTS not set?): no guard, no protection\n",
		       h->name, err);
		cm_hooks_exit();
		return err;
	}
	return 0;
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

	for (i = 0; i < ARRAY_SIZE(cm_hooks); i++) {
		if (cm_hooks[i].set)
			unregister_ftrace_function(&cm_hooks[i].ops);
		ftrace_free_filter(&cm_hooks[i].ops);
		cm_hooks[i].set = false;
	}
}
