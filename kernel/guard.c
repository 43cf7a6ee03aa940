// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard: see guard.h. The kernel's events reach it from hooks.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <asm/syscall.h>

#include "alone.h"
#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "handlers.h"
#include "idle.h"
#include "instruments.h"
#include "kick.h"
#include "region.h"
#include "sched.h"
#include "sigframe.h"
#include "tasks.h"
#include "tell.h"
#include "uprobes.h"

/**
 * cm_guard_suspects() - a glance at a task that is about to run
 * @d: its domain
 * @t: the task
 *
 * Context: any, the scheduler included.
 * Return: whether it is traced, or by instruments, or was traced not long ago.
 */
bool cm_guard_suspects(struct cm_domain *d, struct task_struct *t)
{
	/* ->resumed, ->exempting: a tracer was there; has it gone? */
	if (likely(!READ_ONCE(t->ptrace) && !READ_ONCE(d->resumed) &&
		   !READ_ONCE(d->exempting) && !cm_instruments_watch(d)))
		return false;
	WRITE_ONCE(d->watched, true);
	return true;
}

/**
 * struct cm_tracers - what a look at all tasks of a domain found
 * @pid: the thread group of the first tracer, valid under RCU
 * @several: whether there is another one too
 */
struct cm_tracers {
	struct pid *pid;
	bool several;
};

static void cm_guard_look_at(struct task_struct *t, void *arg)
{
	struct cm_tracers *s = arg;
	struct pid *pid;

	if (!READ_ONCE(t->ptrace))
		return;
	pid = task_tgid(rcu_dereference(t->parent));
	if (s->pid && s->pid != pid)
		s->several = true;
	else
		s->pid = pid;
}

/* Under rcu_read_lock(). */
static struct cm_tracers cm_guard_look(struct cm_domain *d)
{
	struct cm_tracers s = {};

	cm_tasks_for_each(d, cm_guard_look_at, &s);
	return s;
}

/**
 * cm_guard_tracer() - who traces a domain
 * @d: the domain
 *
 * Context: any.
 * Return: the tracer's thread group, held, or NULL: nobody, or several.
 */
struct pid *cm_guard_tracer(struct cm_domain *d)
{
	struct cm_tracers s;
	struct pid *pid;

	rcu_read_lock();
	s = cm_guard_look(d);
	pid = s.several ? NULL : get_pid(s.pid);
	rcu_read_unlock();
	return pid;
}

/**
 * cm_guard_traced() - whether anybody watches a domain now
 * @d: the domain
 *
 * Context: any.
 * Return: whether a task of it is traced, or instruments watch it.
 */
bool cm_guard_traced(struct cm_domain *d)
{
	bool traced;

	if (cm_instruments_watch(d))
		return true;
	rcu_read_lock();
	traced = cm_guard_look(d).pid;
	rcu_read_unlock();
	return traced;
}

/*
 * Like cm_guard_traced(), but quick when nothing ever happened. Whoever starts
 * to trace is seen here, or sets ->watched after we have cleared it.
 */
static bool cm_guard_watched(struct cm_domain *d)
{
	bool resumed;

	lockdep_assert_held(&d->map_lock);
	if (!READ_ONCE(d->watched) && !cm_guard_suspects(d, current))
		return false;
	WRITE_ONCE(d->watched, false);
	/*
	 * Before the look: a tracer may come, and resume, right after it. A full
	 * barrier; pairs with cm_guard_watch(), which comes after ->ptrace.
	 */
	resumed = xchg(&d->resumed, false);
	if (!cm_guard_traced(d)) {
		d->told = false;
		if (READ_ONCE(d->exempting)) {
			WRITE_ONCE(d->exempting, false);
			atomic64_inc(&d->epoch);
		}
		return false;
	}
	if (resumed)
		WRITE_ONCE(d->resumed, true);
	WRITE_ONCE(d->watched, true);
	return true;
}

/**
 * cm_guard_exempts() - whether a region's own tracer, and nobody else, watches
 * @region: the region
 *
 * Context: any.
 * Return: whether the region may be used under it.
 */
bool cm_guard_exempts(struct cm_region *region)
{
	struct cm_domain *d = region->domain;
	struct cm_tracers s;
	bool exempt;

	if (!region->tracer || region->epoch != (u64)atomic64_read(&d->epoch))
		return false;
	/* That is not its tracer's doing: afterwards it may be used again. */
	if (cm_alone_lost())
		return false;
	rcu_read_lock();
	s = cm_guard_look(d);
	exempt = s.pid == region->tracer && !s.several &&
		 !cm_uprobes_watch(d);
	rcu_read_unlock();
	if (!exempt)
		atomic64_inc(&d->epoch);
	return exempt;
}

/* Whether that was all that kept anybody from being served. */
static bool cm_guard_forgets(struct cm_domain *d)
{
	if (!cm_uprobes_watch(d))
		return false;
	cm_uprobes_forget(d);
	return !cm_guard_watched(d);
}

static void cm_guard_mark_parked(struct cm_domain *d, struct cm_notifier *n)
{
	if (!test_and_set_bit(CM_PARKED, &n->flags))
		atomic64_inc(&d->counts.parked);
}

/*
 * May this fault be served, if it is the kernel's, at a signal's frame: failure
 * would be the end of the program. @handled: right after uprobes' handlers.
 * Return: whether that decides it; then @verdict is set.
 */
static bool cm_guard_frame_verdict(struct cm_domain *d, struct cm_notifier *n,
				   const struct vm_fault *vmf, bool handled,
				   enum cm_verdict *verdict)
{
	if (!cm_alone_lost() && !cm_handlers_any(d)) {
		/* Seal it again; nobody executes anything before that. */
		if (!test_and_set_bit(CM_FRAME, &n->flags))
			atomic_inc(&d->frames);
		smp_mb(); /* pairs with cm_tasks_new() */
		cm_kick_all_out(d);
		*verdict = CM_ADMIT;
		return true;
	}
	/* Not after handlers: uprobes may hold on to that. */
	if (handled || !cm_sigframe_may_wait(vmf->real_address,
					     vmf->flags & FAULT_FLAG_WRITE,
					     !cm_alone_lost()))
		return false;
	cm_guard_mark_parked(d, n);
	*verdict = CM_WAIT;
	return true;
}

/**
 * cm_guard_verdict() - may this fault be served
 * @d: the domain; map_lock is held, and the mmap_lock
 * @region: the region that is touched
 * @n: the caller's notifier
 * @vmf: the fault. Its flags: USER, touched by the program itself, not for it by
 *	the kernel; WRITE
 *
 * Context: process context of an owner.
 * Return: the verdict; it holds until map_lock is let go.
 */
enum cm_verdict cm_guard_verdict(struct cm_domain *d, struct cm_region *region,
				 struct cm_notifier *n,
				 const struct vm_fault *vmf)
{
	bool user_mode = vmf->flags & FAULT_FLAG_USER;
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	enum cm_verdict verdict;
	bool handled;

	lockdep_assert_held(&d->map_lock);
	if (READ_ONCE(d->broken))
		return CM_REFUSE;
	if (cm_guard_exempts(region))
		return CM_ADMIT;
	if (READ_ONCE(d->altered))
		return CM_REFUSE;
	/* It was about to call a handler, and does something else. */
	if (user_mode)
		cm_handlers_give_up(n);
	if (likely(!cm_guard_watched(d)) || cm_guard_forgets(d)) {
		clear_bit(CM_PARKED, &n->flags);
		return CM_ADMIT;
	}
	handled = cm_handlers_calling(n);
	if (write)
		cm_handlers_end(n);
	if (!user_mode && !cm_handlers_calling(n) &&
	    cm_sigframe_touched(vmf->real_address, write)) {
		/* If it was about to call a handler, all is to be put out anew. */
		cm_handlers_give_up(n);
		if (cm_guard_frame_verdict(d, n, vmf, handled, &verdict))
			return verdict;
	}
	/* What was served to one that stays in the kernel, it would not put out. */
	if (user_mode || READ_ONCE(d->resumed) || cm_instruments_watch(d) ||
	    cm_sched_stays_in_kernel(current)) {
		/*
		 * Not because of who watches the kernel, and not us; nor of uprobes:
		 * all stand still for them.
		 */
		if (d->refuses && !cm_instruments_watch(d)) {
			atomic64_inc(&d->counts.refused);
			return CM_REFUSE;
		}
		cm_guard_mark_parked(d, n);
		return CM_PARK;
	}
	/* Our own system call: served, and put out again on the way out. */
	cm_sched_queue_work(n);
	return CM_ADMIT;
}

/**
 * cm_guard_break_off() - end a system call that cannot be served now
 * @n: the caller's notifier
 *
 * It gets -EFAULT, waits on its way to user mode, and is started again.
 *
 * Context: process context, in a fault taken in kernel mode.
 */
void cm_guard_break_off(struct cm_notifier *n)
{
	if (syscall_get_nr(current, task_pt_regs(current)) >= 0)
		set_bit(CM_RESTART, &n->flags);
	cm_sched_queue_work(n);
}

/* Whether a system call may be started again: it has ended, and failed. */
static bool cm_guard_restartable(struct pt_regs *regs)
{
	/* On arm64 a signal may have made it forgotten already. */
	if (!IS_ENABLED(CONFIG_ARM64) && syscall_get_nr(current, regs) < 0)
		return false;
	return syscall_get_error(current, regs) == -EFAULT;
}

static void cm_guard_restart(struct pt_regs *regs)
{
#ifdef CONFIG_ARM64
	if (syscall_get_nr(current, regs) < 0) {
		/* The code that sees to restarts has been: do what it does. */
		syscall_rollback(current, regs);
		regs->pc -= compat_thumb_mode(regs) ? 2 : 4;
		return;
	}
#endif
	syscall_set_return_value(current, regs, -ERESTARTNOINTR, 0);
	/* So that the code that sees to restarts comes by. */
	set_thread_flag(TIF_NOTIFY_SIGNAL);
}

/*
 * Wait here, where no lock of the broken system call is held any more, until
 * the tracer has gone or a signal wants to be handled; then start it again.
 */
static void cm_guard_wait_and_restart(struct cm_domain *d)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (!cm_guard_restartable(regs))
		return;
	while (!signal_pending(current) && !READ_ONCE(d->altered) &&
	       cm_guard_traced(d)) {
		cm_uprobes_look(d);
		schedule_timeout_interruptible(CM_PARK_POLL);
	}
	/* Locked: let the program have its EFAULT. */
	if (READ_ONCE(d->altered))
		return;
	cm_guard_restart(regs);
}

/* Say who watches, once for each time. */
static void cm_guard_tell(struct cm_domain *d)
{
	/* One that was there from the start is served: no news. */
	if (d->told || READ_ONCE(d->exempting))
		return;
	d->told = true;
	rcu_read_lock();
	cm_tell_watched(d, cm_guard_look(d).pid);
	rcu_read_unlock();
}

/**
 * cm_guard_frame_end() - a task is done with a signal's frame
 * @n: its notifier: it is on its way to user mode, or has ended
 *
 * Context: any.
 * Return: whether it was served one.
 */
bool cm_guard_frame_end(struct cm_notifier *n)
{
	if (!test_and_clear_bit(CM_FRAME, &n->flags))
		return false;
	atomic_dec(&n->domain->frames);
	return true;
}

/**
 * cm_guard_work() - what a task does before it returns to user mode
 * @n: its notifier
 *
 * Context: process context, may sleep.
 */
void cm_guard_work(struct cm_notifier *n)
{
	struct cm_domain *d = n->domain;
	bool wait, bad = false;

	cm_handlers_end(n);
	if (test_and_clear_bit(CM_SETTLE, &n->flags))
		cm_instruments_settle(d);
	if (test_and_clear_bit(CM_RESTART, &n->flags))
		cm_guard_wait_and_restart(d);
	mutex_lock(&d->map_lock);
	cm_window_let_go(d);
	if (READ_ONCE(d->window.bad))
		bad = cm_window_put_out_bad(d);
	if (READ_ONCE(d->window.age_due))
		cm_idle_age(d);
	if (READ_ONCE(d->expiry.due))
		cm_expiry_put_out(d);
	if (cm_guard_watched(d)) {
		cm_guard_tell(d);
		cm_window_put_out(d, cm_guard_exempts);
	} else if (READ_ONCE(d->altered)) {
		cm_window_put_out(d, cm_guard_exempts);
	}
	wait = cm_guard_frame_end(n);
	mutex_unlock(&d->map_lock);
	if (bad) {
		pr_warn_ratelimited("%s[%d]: pages in its window were tampered with: SIGBUS\n",
				    d->comm, READ_ONCE(d->pid));
		force_sig(SIGBUS);
	}
	cm_uprobes_stand(d);
	/* The kernel minds rseq's area after this: and if that is in a region? */
	if (wait)
		schedule_timeout_interruptible(CM_PARK_POLL);
}

/**
 * cm_guard_watch() - someone has begun to trace, or a tracer acts
 * @d: the domain
 * @resumed: a stopped thread is about to go on
 *
 * Context: any but NMI.
 */
void cm_guard_watch(struct cm_domain *d, bool resumed)
{
	smp_mb(); /* ->ptrace is set, or so; pairs with cm_guard_watched() */
	if (resumed)
		WRITE_ONCE(d->resumed, true);
	WRITE_ONCE(d->watched, true);
	cm_kick_all(d);
}

/**
 * cm_guard_change_tracer() - a tracer comes, or lets go of a thread
 * @d: the domain
 *
 * Either ends what exemptions there are. Its coming alone would not be enough,
 * nor its going: a tracer's thread that exits lets go without our being told,
 * and another thread of it may come before anybody has noticed.
 *
 * Context: any but NMI.
 */
void cm_guard_change_tracer(struct cm_domain *d)
{
	atomic64_inc(&d->epoch);
	cm_guard_watch(d, false);
}

/**
 * cm_guard_put_out() - seal a domain because it is being looked at
 * @d: the domain
 *
 * Context: process context, may sleep, may hold an mmap_lock.
 */
void cm_guard_put_out(struct cm_domain *d)
{
	WRITE_ONCE(d->resumed, true);
	WRITE_ONCE(d->watched, true);
	mutex_lock(&d->map_lock);
	cm_window_put_out(d, cm_guard_exempts);
	mutex_unlock(&d->map_lock);
}

/**
 * cm_guard_try_put_out() - the same, unless somebody works on the domain
 * @d: the domain, where no region is exempt
 *
 * Context: process context, may sleep, but waits for nobody.
 * Return: whether it is sealed.
 */
bool cm_guard_try_put_out(struct cm_domain *d)
{
	bool out;

	WRITE_ONCE(d->resumed, true);
	WRITE_ONCE(d->watched, true);
	if (!mutex_trylock(&d->map_lock))
		return false;
	out = cm_window_try_put_out(d);
	mutex_unlock(&d->map_lock);
	return out;
}

/**
 * cm_guard_alter() - serve no fault any more, until the process exits
 * @d: the domain, which somebody outside has changed, or is about to
 *
 * Context: any but NMI.
 */
void cm_guard_alter(struct cm_domain *d)
{
	WRITE_ONCE(d->altered, true);
	/* Its next region would be at the mercy of who did that, too. */
	cm_tasks_linger(d);
}

/**
 * cm_guard_lock() - seal a domain until its process exits
 * @d: the domain
 * @what: what is done, or about to be done, to it
 * @by: who does that
 *
 * Context: process context, may sleep, may hold an mmap_lock.
 */
void cm_guard_lock(struct cm_domain *d, const char *what,
		   struct task_struct *by)
{
	bool first;

	cm_guard_alter(d);
	mutex_lock(&d->map_lock);
	first = !d->locked;
	d->counts.locks += first;
	cm_window_put_out(d, cm_guard_exempts);
	WRITE_ONCE(d->locked, true);
	mutex_unlock(&d->map_lock);
	if (first)
		cm_tell_locked(d, what, by);
}
