/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hold: what keeps our code where it is while it runs for somebody who has no
 * file of ours open: work that a task has to do, a call in another one's place.
 *
 * A module that is being unloaded cannot be held any more, and need not be, as no
 * region is left. But `rmmod --force' begins while there are regions. For them all
 * has to go on as before, or they would be at the mercy of whoever did that: so
 * the module can be held then, too, and ends when all have let go, however long
 * that takes.
 *
 * Locks: none.
 */
#ifndef _CM_HOLD_H
#define _CM_HOLD_H

#include <linux/types.h>

bool cm_hold(void);
void cm_hold_end(void);
void cm_hold_wait(void);
void cm_hold_refuse(void);

#endif /* _CM_HOLD_H */
