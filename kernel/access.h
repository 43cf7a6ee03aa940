/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access: what outsiders get who read a region, by ptrace or /proc/PID/mem:
 * ciphertext. They cannot write to it.
 *
 * Locks: takes map_lock, under the mmap_lock.
 */
#ifndef _CM_ACCESS_H
#define _CM_ACCESS_H

struct vm_area_struct;

int cm_access_read(struct vm_area_struct *vma, unsigned long addr, void *buf,
		   int len, int write);

#endif /* _CM_ACCESS_H */
