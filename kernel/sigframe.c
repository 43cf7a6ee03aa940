// SPDX-License-Identifier: GPL-2.0-only
/*
 * sigframe: see sigframe.h.
 */
#include <linux/mm.h>
#include <linux/mutex.h> /* that futex.h needs */
#include <linux/futex.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sizes.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "compat.h"
#include "sigframe.h"

/* More than a signal's frame takes: with AMX, 12 KiB; with SME, 80. */
#ifdef CONFIG_ARM64
#define CM_FRAME_MAX	SZ_128K
#else
#define CM_FRAME_MAX	SZ_16K
#endif

/*
 * A ring has requests made whenever its task goes to user mode, when no system
 * call is under way either.
 */
static bool cm_sigframe_has_ring(void)
{
#ifdef CONFIG_IO_URING
	return current->io_uring;
#else
	return false;
#endif
}

static bool cm_sigframe_is_sigreturn(int nr)
{
#ifdef CONFIG_IA32_EMULATION
	/* There, the other one's number is that of chmod(). */
	if (in_ia32_syscall())
		return nr == __NR_ia32_sigreturn ||
		       nr == __NR_ia32_rt_sigreturn;
#endif
#if defined(CONFIG_ARM64) && defined(CONFIG_COMPAT)
	if (is_compat_task())
		return nr == CM_NR_ARM_SIGRETURN ||
		       nr == CM_NR_ARM_RT_SIGRETURN;
#endif
#ifdef __NR_uretprobe
	/* The end of a function, likewise: it takes registers from the stack. */
	if (nr == __NR_uretprobe)
		return true;
#endif
	return nr == __NR_rt_sigreturn;
}

static bool cm_sigframe_is_rseq(unsigned long address)
{
#ifdef CONFIG_RSEQ
	return address - (unsigned long)current->rseq < sizeof(*current->rseq);
#else
	return false;
#endif
}

/*
 * May a signal's frame be there? That is where the program keeps nothing: below
 * its stack pointer, or on a stack for signals that is not in use. Or rseq's
 * area, which the kernel minds at such moments, too.
 */
static bool cm_sigframe_goes_to(unsigned long address)
{
	unsigned long sp = user_stack_pointer(task_pt_regs(current));

	if (cm_sigframe_is_rseq(address))
		return true;
	if (address < sp && sp - address <= CM_FRAME_MAX)
		return true;
	return __on_sig_stack(address + 1) && !__on_sig_stack(sp);
}

/*
 * Is a system call under way, as far as registers tell? One that is has -ENOSYS
 * where its result will be. So has one that has ended, and is none of this
 * kernel's.
 *
 * On arm64 its first argument is there. (A tracer could change it; but that
 * locks.) So it is with one that has ended with the same number: what it then
 * touches, but for a ring's requests, is rseq's area, which no call needs. And
 * a return from a signal overwrites registers as it reads them.
 */
static bool cm_sigframe_in_call(struct pt_regs *regs, unsigned long address)
{
	int nr = syscall_get_nr(current, regs);

	if (nr < 0)
		return false;
#ifdef CONFIG_ARM64
	if (cm_sigframe_is_sigreturn(nr))
		return true;
	return regs->regs[0] == regs->orig_x0 && !cm_sigframe_is_rseq(address);
#else
	return syscall_get_error(current, regs) == -ENOSYS;
#endif
}

/*
 * Nobody looks whether it worked: as a thread dies, others are told of it, and
 * as one is made, what its number is.
 */
static bool cm_sigframe_is_unchecked(bool write, bool call, int nr)
{
	if (current->flags & PF_EXITING)
		return true;
#ifdef CONFIG_COMPAT
	if (in_compat_syscall())
		return false;
#endif
	return write && call && !cm_sigframe_has_ring() &&
	       (nr == __NR_clone || nr == __NR_clone3);
}

/*
 * Others die with it, who are not to wait for a tracer; or wait for locks of
 * its own that it gives back, with one of the kernel's held.
 */
static bool cm_sigframe_is_waited_for(void)
{
#ifdef CONFIG_FUTEX
	if (current->futex_state == FUTEX_STATE_EXITING)
		return true;
#endif
	return READ_ONCE(current->signal->flags) & SIGNAL_GROUP_EXIT;
}

/**
 * cm_sigframe_touched() - is the kernel at work on a signal's frame, or the like
 * @address: what it touches, in a region
 * @write: whether it writes
 *
 * What a system call writes to a place where frames go counts as one, too. So does
 * what nobody would learn the failure of.
 *
 * Context: in a fault taken in kernel mode, by who calls no handler of a uprobe.
 * Return: whether it is, or may be.
 */
bool cm_sigframe_touched(unsigned long address, bool write)
{
	struct pt_regs *regs = task_pt_regs(current);
	int nr = syscall_get_nr(current, regs);
	bool call = cm_sigframe_in_call(regs, address);
	bool ring = cm_sigframe_has_ring();

	if (current->flags & (PF_USER_WORKER | PF_IO_WORKER | PF_KTHREAD))
		return false;
	if (cm_sigframe_is_unchecked(write, call, nr))
		return true;
	if (!call || !cm_sigframe_is_sigreturn(nr)) {
		if (call && (ring || !write))
			return false;
		if ((call || ring) && !cm_sigframe_goes_to(address))
			return false;
	}
	return true;
}

/**
 * cm_sigframe_may_wait() - is it one for sure, so that no lock is held
 * @address: see cm_sigframe_touched(), which has said yes
 * @write: the same
 * @soon: what is waited for ends soon, whoever waits
 *
 * Neither a system call nor a request of a ring's is under way then.
 *
 * Context: in a fault taken in kernel mode.
 * Return: whether it is.
 */
bool cm_sigframe_may_wait(unsigned long address, bool write, bool soon)
{
	struct pt_regs *regs = task_pt_regs(current);
	int nr = syscall_get_nr(current, regs);
	bool call = cm_sigframe_in_call(regs, address);

	if (cm_sigframe_is_unchecked(write, call, nr))
		return !cm_sigframe_is_waited_for();
	if (call)
		return cm_sigframe_is_sigreturn(nr);
	if (cm_sigframe_has_ring() && !soon)
		return false;
	return write || cm_sigframe_is_rseq(address);
}
