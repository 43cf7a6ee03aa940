// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where what is called at suspend is apart from what it is called with. */
#include <linux/syscore_ops.h>

void cm_probe(struct syscore *syscore);
void cm_probe(struct syscore *syscore)
{
	register_syscore(syscore);
}
