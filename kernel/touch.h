/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * touch: a page of a region is touched that is not mapped: who touches it, the
 * guard's verdict, and what the program gets: the page, a wait, or a signal.
 *
 * Locks: takes map_lock, under the mmap_lock.
 */
#ifndef _CM_TOUCH_H
#define _CM_TOUCH_H

#include <linux/mm_types.h>

struct vm_fault;

vm_fault_t cm_touch_fault(struct vm_fault *vmf);
vm_fault_t cm_touch_mkwrite(struct vm_fault *vmf);

#endif /* _CM_TOUCH_H */
