// SPDX-License-Identifier: GPL-2.0-only
/*
 * instruments: see instruments.h.
 */
#include <linux/completion.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/perf_event.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_trace.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "alone.h"
#include "compat.h"
#include "domain.h"
#include "instruments.h"
#include "sched.h"
#include "tasks.h"
#include "uprobes.h"

/**
 * cm_instruments_watch() - whether no fault of a domain may be served for them
 * @d: the domain
 *
 * Context: any.
 * Return: whether there are uprobes, or events that could not be refused.
 */
bool cm_instruments_watch(struct cm_domain *d)
{
	return cm_alone_lost() || cm_uprobes_watch(d);
}

/* The caller waits for them before it is in user mode. It holds mmap_lock now. */
static void cm_instruments_settle_later(struct cm_domain *d)
{
	struct cm_notifier *n;

	rcu_read_lock();
	n = cm_tasks_notifier(current, d);
	if (n) {
		set_bit(CM_SETTLE, &n->flags);
		cm_sched_queue_work(n);
	}
	rcu_read_unlock();
}

#ifdef CONFIG_TASKS_TRACE_RCU
/**
 * struct cm_settling - a wait for programs of BPF that may sleep
 * @rcu: its end
 * @done: the same
 * @ref: who waits, if it does not give up, and that end
 */
struct cm_settling {
	struct rcu_head rcu;
	struct completion done;
	refcount_t ref;
};

static void cm_instruments_settling_put(struct cm_settling *s)
{
	if (refcount_dec_and_test(&s->ref))
		kfree(s);
}

static void cm_instruments_settled(struct rcu_head *rcu)
{
	struct cm_settling *s = container_of(rcu, struct cm_settling, rcu);

	complete(&s->done);
	cm_instruments_settling_put(s);
}

/* They may sleep for long: a task that is killed does not wait. Did it? */
static bool cm_instruments_settle_sleepers(void)
{
	struct cm_settling *s = kmalloc(sizeof(*s), GFP_KERNEL | __GFP_NOFAIL);
	int err;

	init_completion(&s->done);
	refcount_set(&s->ref, 2);
	call_rcu_tasks_trace(&s->rcu, cm_instruments_settled);
	err = wait_for_completion_state(&s->done,
					TASK_KILLABLE | TASK_FREEZABLE);
	cm_instruments_settling_put(s);
	return !err;
}
#else
static bool cm_instruments_settle_sleepers(void)
{
	return true;
}

#define rcu_barrier_tasks_trace()
#endif

/**
 * cm_instruments_settle() - wait for who began to read before that was refused
 * @d: where
 *
 * They looked where regions are, and may be held up, by others of their kind,
 * before they read.
 *
 * Context: process context, may sleep; no lock held, as they may wait for any.
 */
void cm_instruments_settle(struct cm_domain *d)
{
	u64 widened;

	mutex_lock(&d->map_lock);
	widened = d->span_widened;
	mutex_unlock(&d->map_lock);
	/* The latter implies it, in kernels so far. */
	synchronize_rcu_expedited();
	if (!cm_instruments_settle_sleepers())
		return;
	mutex_lock(&d->map_lock);
	d->span_settled = max(d->span_settled, widened);
	mutex_unlock(&d->map_lock);
}

/**
 * cm_instruments_exit() - wait for what such waits have left
 *
 * Context: process context, may sleep; no domain is left.
 */
void cm_instruments_exit(void)
{
	rcu_barrier_tasks_trace();
}

/**
 * cm_instruments_cover() - the domain has a region here
 * @d: the domain; map_lock is held
 * @start: first byte
 * @end: behind the last one
 *
 * What is between two regions counts as one: who asks is in no position to look
 * at VMAs. So does what is below them for as much again, a gigabyte at least: there
 * the next ones will be, and nobody has to be waited for then.
 *
 * Context: process context, a task of the domain's, or its parent.
 */
void cm_instruments_cover(struct cm_domain *d, unsigned long start,
			  unsigned long end)
{
	unsigned long more = max_t(unsigned long, SZ_1G,
				   d->span_end - d->span_start);
	bool inside = d->span_end && start >= d->span_start &&
		      end <= d->span_end;

	lockdep_assert_held(&d->map_lock);
	/* What another thread waits for, who comes after it waits for, too. */
	if (inside && d->span_settled == d->span_widened)
		return;
	if (!d->span_end || start < d->span_start)
		WRITE_ONCE(d->span_start, start > more ? start - more : 0);
	if (end > d->span_end)
		WRITE_ONCE(d->span_end, end);
	/* Nobody has read in a child yet. */
	if (current->mm != d->mm)
		return;
	d->span_widened += !inside;
	cm_instruments_settle_later(d);
}

/* Whether this CPU has an address space's page tables. */
static bool cm_instruments_has_loaded(struct mm_struct *mm)
{
#ifdef CONFIG_ARM64
	u64 ttbr = read_sysreg(ttbr0_el1);

#ifdef CONFIG_ARM64_SW_TTBR0_PAN
	/* They are there only while the kernel touches user memory. */
	if (system_uses_ttbr0_pan())
		ttbr = READ_ONCE(current_thread_info()->ttbr0);
#endif
	return (ttbr & ~(TTBR_ASID_MASK | TTBR_CNP_BIT)) ==
	       phys_to_ttbr(virt_to_phys(mm->pgd));
#else
	return read_cr3_pa() == __pa(mm->pgd);
#endif
}

/*
 * Whose user memory would be read here and now. That is not always current's: a
 * kernel thread, and who exits, has the page tables that were there before; and
 * in the middle of a switch, or of an exec, they are no longer, or not yet, those
 * of who is said to run. Then it may be any domain's, if there is one.
 * Under rcu_read_lock().
 */
static struct cm_domain *cm_instruments_owner(bool *may_be_any)
{
	struct mm_struct *mm = current->mm ?: current->active_mm;
	bool known = mm && cm_instruments_has_loaded(mm);

	*may_be_any = !known && cm_domain_any();
	return known ? cm_domain_find(mm) : NULL;
}

static bool cm_instruments_in_region(unsigned long start, unsigned long size)
{
	struct cm_domain *d;
	unsigned long end;
	bool in, may_be_any;

	/* Some machines ignore some bits of an address. */
	start = untagged_addr(start);
	end = start + size;
	if (start >= TASK_SIZE_MAX)
		return false;
	rcu_read_lock();
	d = cm_instruments_owner(&may_be_any);
	in = d && start < READ_ONCE(d->span_end) &&
	     (end > READ_ONCE(d->span_start) || end < start);
	if (in)
		atomic64_inc(&d->counts.refused);
	rcu_read_unlock();
	return in || may_be_any;
}

/* They take the place of the functions. */
static long cm_instruments_refused(void *dst, const void __user *src,
				   size_t size)
{
	return -EFAULT;
}

static long cm_instruments_refused_length(const void __user *src, long max)
{
	return 0; /* as where it cannot be read */
}

static unsigned long cm_instruments_refused_nmi(void *dst,
						const void __user *src,
						unsigned long size)
{
	return size; /* what has not been copied */
}

static u64 cm_instruments_refused_bpf(u64 dst, u64 size, u64 src, u64 r4,
				      u64 r5)
{
	memset((void *)(unsigned long)dst, 0, (u32)size);
	return -EFAULT;
}

/**
 * cm_instruments_on_read() - copy_from_user_nofault(), strncpy_...
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: where to, where from, how much
 */
void notrace cm_instruments_on_read(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
	if (cm_instruments_in_region(cm_ftrace_argument(fregs, 1),
				     cm_ftrace_argument(fregs, 2)))
		cm_ftrace_divert(fregs, cm_instruments_refused);
}

/**
 * cm_instruments_on_length() - strnlen_user_nofault()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: from where, how much at most
 */
void notrace cm_instruments_on_length(unsigned long ip,
				      unsigned long parent_ip,
				      struct ftrace_ops *ops,
				      struct ftrace_regs *fregs)
{
	static_assert(__same_type(cm_instruments_refused_length,
				  strnlen_user_nofault));

	if (cm_instruments_in_region(cm_ftrace_argument(fregs, 0),
				     cm_ftrace_argument(fregs, 1)))
		cm_ftrace_divert(fregs, cm_instruments_refused_length);
}

/**
 * cm_instruments_on_read_nmi() - copy_from_user_nmi()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: where to, where from, how much
 */
void notrace cm_instruments_on_read_nmi(unsigned long ip,
					unsigned long parent_ip,
					struct ftrace_ops *ops,
					struct ftrace_regs *fregs)
{
	if (cm_instruments_in_region(cm_ftrace_argument(fregs, 1),
				     cm_ftrace_argument(fregs, 2)))
		cm_ftrace_divert(fregs, cm_instruments_refused_nmi);
}

/**
 * cm_instruments_on_read_bpf() - bpf_copy_from_user() and the like
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: where to, how much, where from
 */
void notrace cm_instruments_on_read_bpf(unsigned long ip,
					unsigned long parent_ip,
					struct ftrace_ops *ops,
					struct ftrace_regs *fregs)
{
	if (cm_instruments_in_region(cm_ftrace_argument(fregs, 2),
				     (u32)cm_ftrace_argument(fregs, 1)))
		cm_ftrace_divert(fregs, cm_instruments_refused_bpf);
}

/**
 * cm_instruments_on_sample() - perf_output_sample()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: the sample is the third
 *
 * For kernels in which perf copies the stack in line: it copies nothing then.
 */
void notrace cm_instruments_on_sample(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *ops,
				      struct ftrace_regs *fregs)
{
#ifdef CONFIG_PERF_EVENTS
	struct perf_sample_data *data = (void *)cm_ftrace_argument(fregs, 2);
	struct pt_regs *regs;

	static_assert(__same_type(perf_output_sample,
				  void(struct perf_output_handle *,
				       struct perf_event_header *,
				       struct perf_sample_data *,
				       struct perf_event *)));

	if (!(data->type & PERF_SAMPLE_STACK_USER))
		return;
	regs = data->regs_user.regs;
	if (regs && cm_instruments_in_region(user_stack_pointer(regs),
					     data->stack_user_size))
		data->stack_user_size = 0;
#endif
}

/* A caller's frame, where code keeps a frame pointer. */
struct cm_instruments_frame {
	unsigned long next;
	unsigned long ret;
};

/*
 * Follow the frame pointer as the kernel does, but not into a region: reading
 * there is refused, see cm_instruments_on_read() and ..._on_read_nmi().
 */
static bool cm_instruments_frame(unsigned long fp,
				 struct cm_instruments_frame *frame)
{
	void __user *from = (void __user *)fp;

#ifdef CM_HAVE_COPY_FROM_USER_NMI
	if (copy_from_user_nmi(frame, from, sizeof(*frame)))
		return false;
#else
	if (copy_from_user_nofault(frame, from, sizeof(*frame)))
		return false;
#endif
	frame->ret = ptrauth_strip_user_insn_pac(frame->ret);
	return true;
}

#ifdef CONFIG_PERF_EVENTS
static void cm_instruments_chain(struct perf_callchain_entry_ctx *entry,
				 struct pt_regs *regs)
{
	struct cm_instruments_frame frame;
	unsigned long fp = frame_pointer(regs);

	static_assert(__same_type(cm_instruments_chain, perf_callchain_user));

	perf_callchain_store(entry, instruction_pointer(regs));
	if (!user_64bit_mode(regs))
		return;
	while (entry->nr < entry->max_stack &&
	       cm_instruments_frame(fp, &frame)) {
		perf_callchain_store(entry, frame.ret);
		fp = frame.next;
	}
}
#endif

#ifdef CONFIG_USER_STACKTRACE_SUPPORT
static void cm_instruments_walk(stack_trace_consume_fn consume, void *cookie,
				const struct pt_regs *const_regs)
{
	struct pt_regs *regs = (struct pt_regs *)const_regs;
	struct cm_instruments_frame frame;
	unsigned long fp = frame_pointer(regs);

	static_assert(__same_type(cm_instruments_walk, arch_stack_walk_user));

	if (!consume(cookie, instruction_pointer(regs)) ||
	    !user_64bit_mode(regs))
		return;
	while (fp >= user_stack_pointer(regs) && cm_instruments_frame(fp, &frame) &&
	       frame.ret && consume(cookie, frame.ret))
		fp = frame.next;
}
#endif

/* The words on the way are fetched in line: it is walked by us, for an owner. */
static void cm_instruments_divert(struct ftrace_regs *fregs, void *to)
{
	bool owner, may_be_any;

	rcu_read_lock();
	owner = cm_instruments_owner(&may_be_any);
	rcu_read_unlock();
	if (owner || may_be_any)
		cm_ftrace_divert(fregs, to);
}

/**
 * cm_instruments_on_chain() - perf_callchain_user()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 */
void notrace cm_instruments_on_chain(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *ops,
				     struct ftrace_regs *fregs)
{
#ifdef CONFIG_PERF_EVENTS
	cm_instruments_divert(fregs, cm_instruments_chain);
#endif
}

/**
 * cm_instruments_on_walk() - arch_stack_walk_user()
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments
 */
void notrace cm_instruments_on_walk(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
#ifdef CONFIG_USER_STACKTRACE_SUPPORT
	cm_instruments_divert(fregs, cm_instruments_walk);
#endif
}
