// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where get_user_pages_remote() still fills in an array of VMAs. */
#include <linux/mm.h>

long cm_probe(struct vm_area_struct **vmas);
long cm_probe(struct vm_area_struct **vmas)
{
	return get_user_pages_remote(NULL, 0, 1, 0, NULL, vmas, NULL);
}
