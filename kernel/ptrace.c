// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptrace: see ptrace.h.
 */
#include <linux/ftrace.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#ifdef CONFIG_X86
#include <linux/user.h>
#include <asm/prctl.h>
#endif

#include "change.h"
#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "ptrace.h"

#define CM_PTRACE_WHAT	"registers set"	/* for the log */

/*
 * From now on no fault is served. All is put out before the tracer gets to let
 * anybody go on: see cm_change_end().
 */
static void cm_ptrace_changed(struct cm_domain *d)
{
	cm_guard_alter(d);
	cm_guard_watch(d, true);
}

/*
 * Whether a request may set what the thread computes with: each that is not
 * known to be harmless. Memory written is seen by get_user_pages_remote().
 */
static bool cm_ptrace_changes(long request, unsigned long addr,
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

/* Whether that is all it does: a thread goes on, and its system calls do not. */
static bool cm_ptrace_emulates(long request)
{
#ifdef PTRACE_SYSEMU
	return request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP;
#else
	return false;
#endif
}

/* Whether a request reads what the thread computes with. */
static bool cm_ptrace_reads(long request)
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
static long cm_ptrace_denied(struct task_struct *child, long request,
			     unsigned long addr, unsigned long data)
{
	return -EPERM;
}

/* And where we could not remember what it changes. */
static long cm_ptrace_no_memory(struct task_struct *child, long request,
				unsigned long addr, unsigned long data)
{
	return -ENOMEM;
}

/* Whether a request lets the stopped thread go on under its tracer. */
static bool cm_ptrace_resumes(long request)
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

/**
 * cm_ptrace_on_request() - arch_ptrace(): a request to a stopped thread
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: the thread, the request, its two words
 *
 * Context: process context of the tracer.
 */
void notrace cm_ptrace_on_request(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	struct task_struct *child = (void *)cm_ftrace_argument(fregs, 0);
	long request = (int)cm_ftrace_argument(fregs, 1);
	unsigned long addr = cm_ftrace_argument(fregs, 2);
	unsigned long data = cm_ftrace_argument(fregs, 3);
	/* It stands still: its address space does not go. */
	struct mm_struct *mm = READ_ONCE(child->mm);
	bool changes = cm_ptrace_changes(request, addr, data);
	struct cm_domain *d;

	rcu_read_lock();
	/*
	 * With a domain, too: each who changes it sees to it himself that it is
	 * locked. And the process may give it up, and make another.
	 */
	if (changes && mm &&
	    (!cm_ptrace_emulates(request) || cm_domain_find(mm)) &&
	    cm_change_begin(mm, CM_PTRACE_WHAT))
		cm_ftrace_divert(fregs, cm_ptrace_no_memory);
	d = cm_domain_find(mm);
	if (d) {
		if (READ_ONCE(d->hides) && cm_ptrace_reads(request)) {
			atomic64_inc(&d->counts.refused);
			cm_ftrace_divert(fregs, cm_ptrace_denied);
		} else if (changes) {
			cm_ptrace_changed(d);
		} else if (cm_ptrace_resumes(request)) {
			cm_guard_watch(d, true);
		} else if (request == PTRACE_DETACH) {
			cm_guard_change_tracer(d);
		}
	}
	rcu_read_unlock();
}

/**
 * cm_ptrace_on_attach() - proc_ptrace_connector(): someone comes, or goes
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: the thread, PTRACE_ATTACH or _DETACH
 *
 * Context: process context of the tracer.
 */
void notrace cm_ptrace_on_attach(unsigned long ip, unsigned long parent_ip,
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
