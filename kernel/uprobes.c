// SPDX-License-Identifier: GPL-2.0-only
/*
 * uprobes: see uprobes.h.
 */
#include <linux/ftrace.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/uprobes.h>

#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "handlers.h"
#include "uprobes.h"

/**
 * cm_uprobes_setup() - prepare for breakpoints
 * @b: a domain's
 * @mm: the domain's
 */
void cm_uprobes_setup(struct cm_breakpoints *b, struct mm_struct *mm)
{
	xa_init(&b->at);
	b->before = test_bit(MMF_HAS_UPROBES, &mm->flags);
	b->looked = jiffies - 1;
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

	child->before |= parent->before;
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
	return test_bit(MMF_HAS_UPROBES, &d->mm->flags) &&
	       rcu_access_pointer(d->breakpoints.at.xa_head);
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
	return cm_handlers_any(d) || cm_uprobes_set(d);
}

#ifdef CONFIG_UPROBES
static bool cm_uprobes_is(struct page *page, unsigned long at,
			  uprobe_opcode_t code)
{
	char *bytes = kmap_local_page(page);
	bool is = !memcmp(bytes + (at & ~PAGE_MASK), &code, sizeof(code));

	kunmap_local(bytes);
	return is;
}

/**
 * cm_uprobes_explain() - whether all is as it was when a breakpoint has gone
 * @d: the domain
 * @page: the page that it is about to be put on
 * @at: where: cm_uprobes_on_set_swbp() has been there
 *
 * What is put back then is the file's.
 *
 * Context: process context, the mmap_lock is held.
 * Return: whether that is there now; or a breakpoint, whose story is known.
 */
bool cm_uprobes_explain(struct cm_domain *d, struct page *page,
			unsigned long at)
{
	struct cm_breakpoints *b = &d->breakpoints;
	uprobe_opcode_t file;

	/* It has opened the device in the middle of this. */
	if (!b->setting)
		return false;
	memcpy(&file, &b->setting->insn, sizeof(file));
	if (!cm_uprobes_is(page, at, UPROBE_SWBP_INSN))
		return cm_uprobes_is(page, at, file);
	if (b->again)
		return true;
	/* From before: it goes on being one of which nothing is known. */
	if (b->before)
		xa_erase(&b->at, at);
	return b->before;
}

/**
 * cm_uprobes_fail() - a breakpoint is not put anywhere after all
 * @d: the domain
 * @at: where it should have been
 *
 * Context: process context, the mmap_lock is held.
 */
void cm_uprobes_fail(struct cm_domain *d, unsigned long at)
{
	if (!d->breakpoints.again)
		xa_erase(&d->breakpoints.at, at);
}

/* Whether one is there. The mmap_lock is held. */
static bool cm_uprobes_there(struct mm_struct *mm, unsigned long at)
{
	struct page *page;
	bool there;
	long got;

	got = get_user_pages_remote(mm, at, 1, FOLL_FORCE, &page,
				    CM_GUP_NONE NULL);
	/* What there is no memory for now may be brought in later. */
	if (got != 1)
		return got != -EFAULT;
	there = cm_uprobes_is(page, at, UPROBE_SWBP_INSN);
	put_page(page);
	return there;
}
#else
static bool cm_uprobes_there(struct mm_struct *mm, unsigned long at)
{
	return false;
}
#endif

/* What is mapped there; NULL: nothing that could have one. */
static void *cm_uprobes_mapped(struct mm_struct *mm, unsigned long at)
{
	struct vm_area_struct *vma = vma_lookup(mm, at);

	return vma && vma->vm_file ? vma->vm_file->f_mapping : NULL;
}

/**
 * cm_uprobes_forget() - forget what nobody tells the end of
 * @d: the domain; its mmap_lock is held
 *
 * Breakpoints whose code has been unmapped, and handlers that are not called after
 * all. Who waits for the last to go has to look: once a tick is enough for all.
 *
 * Context: process context.
 */
void cm_uprobes_forget(struct cm_domain *d)
{
	struct xarray *all = &d->breakpoints.at;
	unsigned long at;
	void *mapped;

	if (!time_after(jiffies, READ_ONCE(d->breakpoints.looked)))
		return;
	WRITE_ONCE(d->breakpoints.looked, jiffies);
	xa_for_each(all, at, mapped)
		if (cm_uprobes_mapped(d->mm, at) != mapped)
			xa_erase(all, at);
	cm_handlers_forget(d);
}

/**
 * cm_uprobes_look() - the same, and forget those that are not there any more
 * @d: the domain
 *
 * Nobody says that one has gone, only that it is about to.
 *
 * Context: process context, may sleep; no lock held.
 */
void cm_uprobes_look(struct cm_domain *d)
{
	unsigned long at;
	void *mapped;

	if (mmap_read_lock_killable(d->mm))
		return;
	cm_handlers_forget(d);
	xa_for_each(&d->breakpoints.at, at, mapped)
		if (cm_uprobes_mapped(d->mm, at) != mapped ||
		    !cm_uprobes_there(d->mm, at))
			xa_erase(&d->breakpoints.at, at);
	mmap_read_unlock(d->mm);
}

/* Neither those that have no user mode, nor that will not come to it again. */
#define CM_UPROBES_EXCUSED (PF_EXITING | PF_POSTCOREDUMP | PF_KTHREAD | \
			    PF_IO_WORKER | PF_USER_WORKER)

/**
 * cm_uprobes_stand() - run nothing as long as there are breakpoints
 * @d: the caller's domain
 *
 * Only what ends the program is heeded meanwhile: code would be run for other
 * signals.
 *
 * Context: process context, on the way to user mode, may sleep; no lock held.
 */
void cm_uprobes_stand(struct cm_domain *d)
{
	if (current->flags & CM_UPROBES_EXCUSED || current->in_execve)
		return;
	while (cm_uprobes_set(d) && !READ_ONCE(d->altered) &&
	       READ_ONCE(d->users) && !fatal_signal_pending(current)) {
		cm_uprobes_look(d);
		if (!cm_uprobes_set(d))
			break;
		set_current_state(TASK_KILLABLE | TASK_FREEZABLE);
		schedule_timeout(CM_PARK_POLL);
	}
}

#ifdef CONFIG_UPROBES
/* Takes the place of set_swbp(): we could not wait for it to go. */
static int cm_uprobes_no_memory(struct arch_uprobe *auprobe,
				struct mm_struct *mm, unsigned long at)
{
	return -ENOMEM;
}

static int cm_uprobes_add(struct cm_domain *d, struct arch_uprobe *auprobe,
			  unsigned long at)
{
	struct cm_breakpoints *b = &d->breakpoints;
	void *mapped = cm_uprobes_mapped(d->mm, at);
	void *before = xa_store(&b->at, at, mapped, GFP_ATOMIC);

	b->setting = auprobe;
	b->again = before;
	return xa_err(before);
}

/**
 * cm_uprobes_on_set_swbp() - a breakpoint is about to be set
 * @ip: unused, as are the others but
 * @parent_ip: unused
 * @ops: unused
 * @fregs: the function's arguments: an arch_uprobe, the mm, whose mmap_lock is
 *	held for writing, and the address
 */
void notrace cm_uprobes_on_set_swbp(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
	struct arch_uprobe *auprobe = (void *)cm_ftrace_argument(fregs, 0);
	struct mm_struct *mm = (void *)cm_ftrace_argument(fregs, 1);
	struct cm_domain *d;

	static_assert(__same_type(set_swbp, cm_uprobes_no_memory));

	rcu_read_lock();
	d = cm_domain_find(mm);
	if (d && cm_uprobes_add(d, auprobe, cm_ftrace_argument(fregs, 2)))
		cm_ftrace_divert(fregs, cm_uprobes_no_memory);
	else if (d)
		cm_guard_watch(d, true);
	rcu_read_unlock();
}

#endif /* CONFIG_UPROBES */
