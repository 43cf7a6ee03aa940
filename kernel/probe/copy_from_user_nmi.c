// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where perf has a function of its own to fetch from user memory. */
#include <linux/uaccess.h>

unsigned long cm_probe(void *to, const void __user *from);
unsigned long cm_probe(void *to, const void __user *from)
{
	return copy_from_user_nmi(to, from, 1);
}
