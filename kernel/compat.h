/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The place that knows that kernels differ, but for the functions that hooks.c
 * watches. Nothing here asks for a version: Kbuild compiles a small test per
 * feature and defines CM_HAVE_*.
 */
#ifndef _CM_COMPAT_H
#define _CM_COMPAT_H

#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

/* Threads of a program that stay in the kernel: vhost's were kthreads before. */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER	0
#endif

/* call_rcu() was in a hurry, before it could be lazy. */
#ifndef CM_HAVE_CALL_RCU_HURRY
#define call_rcu_hurry	call_rcu
#endif

#ifndef CM_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/*
 * get_user_pages_remote() and pin_user_pages_remote() lost their vmas argument:
 * CM_GUP_PARAM and CM_GUP_ARG stand where it was, or CM_GUP_NONE.
 */
#ifdef CM_HAVE_GUP_VMAS
#define CM_GUP_PARAM	struct vm_area_struct **vmas,
#define CM_GUP_ARG	vmas,
#define CM_GUP_NONE	NULL,
#else
#define CM_GUP_PARAM
#define CM_GUP_ARG
#define CM_GUP_NONE
#endif

/* What a class is asked about. */
#ifdef CM_HAVE_DEVNODE_CONST
#define CM_DEVNODE_CONST	const
#else
#define CM_DEVNODE_CONST
#endif

/* What is called at suspend has become apart from what it is called with. */
#ifdef CM_HAVE_SYSCORE
#define CM_SYSCORE_PARAM	void *data
#define CM_SYSCORE(name, ...)                                           \
	static const struct syscore_ops name##_ops = { __VA_ARGS__ };  \
	static struct syscore name = { .ops = &name##_ops }
#else
#define CM_SYSCORE_PARAM	void
#define CM_SYSCORE(name, ...)	static struct syscore_ops name = { __VA_ARGS__ }
#define register_syscore	register_syscore_ops
#define unregister_syscore	unregister_syscore_ops
#endif

/*
 * What a function that ftrace watches was called with, and where it is to go on:
 * either all registers are kept for the hook, or those that a call is made of.
 */
#if defined(CONFIG_DYNAMIC_FTRACE_WITH_REGS)
#define CM_FTRACE_KEEP	FTRACE_OPS_FL_SAVE_REGS
static inline unsigned long cm_ftrace_argument(struct ftrace_regs *fregs,
					       unsigned int n)
{
	return regs_get_kernel_argument(ftrace_get_regs(fregs), n);
}

static inline void cm_ftrace_divert(struct ftrace_regs *fregs, void *to)
{
	instruction_pointer_set(ftrace_get_regs(fregs), (unsigned long)to);
}
#elif defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#define CM_FTRACE_KEEP	0
static inline unsigned long cm_ftrace_argument(struct ftrace_regs *fregs,
					       unsigned int n)
{
	return ftrace_regs_get_argument(fregs, n);
}

static inline void cm_ftrace_divert(struct ftrace_regs *fregs, void *to)
{
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)to);
}
#else
#error "this kernel's ftrace does not tell what a function is called with"
#endif

/* The program's side of a machine, by one name. */
#ifdef CONFIG_ARM64
/* Where a breakpoint is that has just been run into. */
#define cm_trap_address(regs)	instruction_pointer(regs)
/* What they are called in the kernel has changed; they have not. */
#define CM_NR_ARM_SIGRETURN	119
#define CM_NR_ARM_RT_SIGRETURN	173
#define user_64bit_mode(regs)	(!compat_user_mode(regs))
#ifndef ptrauth_strip_user_insn_pac
#define ptrauth_strip_user_insn_pac(ptr)	ptrauth_strip_insn_pac(ptr)
#endif
#else
#define cm_trap_address(regs)	(instruction_pointer(regs) - UPROBE_SWBP_INSN_SIZE)
#define ptrauth_strip_user_insn_pac(ptr)	(ptr)
#endif

#endif /* _CM_COMPAT_H */
