/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * power: hibernation is refused while there are regions. What is in the store
 * is ciphertext, but its key would go to the disk with it. One line in the log
 * says who is in the way.
 */
#ifndef _CM_POWER_H
#define _CM_POWER_H

#include <linux/types.h>

bool cm_power_hibernating(void);

int cm_power_init(void);
void cm_power_exit(void);

#endif /* _CM_POWER_H */
