// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where call_rcu() may take its time. */
#include <linux/rcupdate.h>

void cm_probe(struct rcu_head *head, rcu_callback_t func);
void cm_probe(struct rcu_head *head, rcu_callback_t func)
{
	call_rcu_hurry(head, func);
}
