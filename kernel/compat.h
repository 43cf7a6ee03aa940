/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows that kernels differ. Nothing here asks for a
 * version: Kbuild compiles a small test per feature and defines CM_HAVE_*.
 */
#ifndef _CM_COMPAT_H
#define _CM_COMPAT_H

#include <linux/mm.h>
#include <linux/sched.h>

/* Threads of a program that stay in the kernel: vhost's were kthreads before. */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER	0
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
 * CM_GUP_PARAM and CM_GUP_ARG stand where it was.
 */
#ifdef CM_HAVE_GUP_VMAS
#define CM_GUP_PARAM	struct vm_area_struct **vmas,
#define CM_GUP_ARG	vmas,
#else
#define CM_GUP_PARAM
#define CM_GUP_ARG
#endif

#endif /* _CM_COMPAT_H */
