// SPDX-License-Identifier: GPL-2.0-only
/*
 * touch: see touch.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "alone.h"
#include "domain.h"
#include "fault.h"
#include "guard.h"
#include "hold.h"
#include "region.h"
#include "sched.h"
#include "tasks.h"
#include "touch.h"
#include "trace.h"

/* What the program sees of a failure to serve a fault, and the log. */
static vm_fault_t cm_touch_failed(unsigned long address, pgoff_t pgoff,
				  int err)
{
	if (err == -ENOMEM)
		return VM_FAULT_OOM;
	if (err == -EBADMSG)
		pr_warn_ratelimited("%s[%d]: page %#lx (%#lx of its domain): the ciphertext was tampered with: SIGBUS\n",
				    current->comm, task_tgid_nr(current),
				    address & PAGE_MASK, pgoff);
	else if (err == -ENOSPC)
		pr_warn_ratelimited("%s[%d]: page %#lx: no memory may be committed for its ciphertext (vm.overcommit_memory): SIGBUS\n",
				    current->comm, task_tgid_nr(current),
				    address & PAGE_MASK);
	else
		pr_warn_ratelimited("%s[%d]: page %#lx: the ciphertext cannot be read back (%d): SIGBUS\n",
				    current->comm, task_tgid_nr(current),
				    address & PAGE_MASK, err);
	return VM_FAULT_SIGBUS;
}

/*
 * Wait until the tracer may have gone; a signal is handled, and then the touch
 * happens anew. But never wait inside a system call, which may hold locks that
 * others need: it is broken off, waits on its way out, and is started again;
 * unless @anywhere: then none is held.
 */
static vm_fault_t cm_touch_park(struct vm_fault *vmf, struct cm_notifier *n,
				bool anywhere)
{
	bool user_mode = vmf->flags & FAULT_FLAG_USER;
	bool held;

	trace_cryptmem_park(vmf->address, user_mode);
	if (!user_mode && !anywhere) {
		/* Of who dies with all others, nobody will miss it. */
		if (!(current->flags & PF_EXITING))
			cm_guard_break_off(n);
		return VM_FAULT_SIGBUS;
	}
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) ||
	    (vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
		return VM_FAULT_SIGBUS;
	/* Its region, which holds the module, may be gone before it goes on. */
	held = cm_hold();
	/* Without map_pages, faults always come with the mmap_lock. */
	mmap_read_unlock(vmf->vma->vm_mm);
	if (!held)
		return VM_FAULT_RETRY;
	/* Nor is anything held against a machine that wants to sleep. */
	atomic_inc(&n->domain->waiters);
	set_current_state((user_mode ? TASK_INTERRUPTIBLE : TASK_KILLABLE) |
			  TASK_FREEZABLE);
	schedule_timeout(CM_PARK_POLL);
	atomic_dec(&n->domain->waiters);
	/* There may be nobody else to see that a breakpoint has gone. */
	cm_uprobes_look(n->domain);
	cm_hold_end();
	return VM_FAULT_RETRY;
}

/*
 * Has somebody begun to watch us since the verdict? Then the window is to be put
 * out, by him or by us.
 */
static bool cm_touch_is_late(struct cm_domain *d)
{
	/*
	 * Pairs with cm_alone_is_out(), which sees the page, or we that; and with
	 * cm_alone_hold(), which unmaps it, or we see that.
	 */
	smp_mb();
	return cm_alone_lost() || READ_ONCE(d->window.held);
}

static vm_fault_t cm_touch_page(struct vm_fault *vmf, bool write, bool upgrade)
{
	struct vm_area_struct *vma = vmf->vma;
	struct cm_region *region = vma->vm_private_data;
	struct cm_notifier *n;
	enum cm_verdict verdict;
	struct cm_domain *d;
	struct page *page;
	pgprot_t prot;
	bool rw;
	vm_fault_t ret;
	int err;

	/*
	 * There are calls that fault all of a buffer in, copy without faults, and go
	 * round until that has worked: where it is larger than the window, for
	 * ever. Who is killed in one is to get out. (Not who is in exec(), which
	 * sees to robust mutexes, and looks for signals itself.)
	 */
	if (!(vmf->flags & FAULT_FLAG_USER) && fatal_signal_pending(current) &&
	    !(current->flags & PF_EXITING) && !current->in_execve)
		return VM_FAULT_SIGBUS;
	/*
	 * What userfaultfd leaves where it protects memory (kernels that let it do
	 * so here) is no place for a frame: the fault would never end.
	 */
	if (!region || (vma->vm_flags & VM_UFFD_WP))
		return VM_FAULT_SIGBUS;
	d = region->domain;
	n = cm_tasks_counted(d);
	/* Only an owner that is counted may see plaintext. */
	if (current->mm != d->mm || vma->vm_mm != d->mm || !n)
		return VM_FAULT_SIGBUS;

	mutex_lock(&d->map_lock);
	verdict = cm_guard_verdict(d, region, n, vmf);
	if ((verdict == CM_PARK || verdict == CM_WAIT) && upgrade) {
		/* The core takes no RETRY here: come back as a plain fault. */
		zap_vma_ptes(vma, vmf->address & PAGE_MASK, PAGE_SIZE);
		mutex_unlock(&d->map_lock);
		return VM_FAULT_NOPAGE;
	}
	if (verdict != CM_ADMIT) {
		mutex_unlock(&d->map_lock);
		return verdict == CM_REFUSE ?
			       VM_FAULT_SIGBUS :
			       cm_touch_park(vmf, n, verdict == CM_WAIT);
	}
	cm_window_let_go(d);
	err = cm_fault_page(d, region, vmf->pgoff, write, &page, &rw);
	if (err) {
		ret = cm_touch_failed(vmf->address, vmf->pgoff, err);
	} else if (unlikely(cm_touch_is_late(d))) {
		cm_window_put_out(d, NULL);
		ret = VM_FAULT_NOPAGE;
	} else {
		/*
		 * An entry that exists is never changed in place: between our
		 * leave and the core's change to it, the page may have been put
		 * out and back in. Take it out and put a new one in, here.
		 */
		if (upgrade)
			zap_vma_ptes(vma, vmf->address & PAGE_MASK, PAGE_SIZE);
		prot = rw ? vm_get_page_prot(vma->vm_flags) : vma->vm_page_prot;
		ret = vmf_insert_pfn_prot(vma, vmf->address & PAGE_MASK,
					  page_to_pfn(page), prot);
		if (unlikely(cm_touch_is_late(d))) {
			/* At once: it may be sealed, and others here in calls. */
			zap_vma_ptes(vma, vmf->address & PAGE_MASK, PAGE_SIZE);
			cm_window_put_out(d, NULL);
		}
	}
	mutex_unlock(&d->map_lock);
	cm_expiry_arm(d);
	trace_cryptmem_fault(vmf->address, write, err);
	return ret;
}

/**
 * cm_touch_fault() - vm_operations_struct.fault of a region
 * @vmf: the fault
 *
 * Context: process context, under the mmap_lock, which is let go for RETRY.
 * Return: NOPAGE, RETRY, SIGBUS or OOM.
 */
vm_fault_t cm_touch_fault(struct vm_fault *vmf)
{
	return cm_touch_page(vmf, vmf->flags & FAULT_FLAG_WRITE, false);
}

/**
 * cm_touch_mkwrite() - vm_operations_struct.pfn_mkwrite of a region
 * @vmf: the fault
 *
 * Context: process context, under the mmap_lock.
 * Return: NOPAGE, SIGBUS or OOM.
 */
vm_fault_t cm_touch_mkwrite(struct vm_fault *vmf)
{
	return cm_touch_page(vmf, true, true);
}
