// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where vm_flags may only be changed by accessors. */
#include <linux/mm.h>

void cm_probe(struct vm_area_struct *vma);
void cm_probe(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO);
}
