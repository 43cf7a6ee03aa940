/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * power: when the kernel comes to its end.
 *
 * Hibernation would write the keys to the disk, beside the ciphertext. So it is
 * refused while there are regions, and one line in the log says who is in the
 * way; or, if so configured, the regions and their keys are dropped.
 *
 * At a panic, and when another kernel is started by kexec, frames and keys are
 * wiped, once the other CPUs have been stopped.
 */
#ifndef _CM_POWER_H
#define _CM_POWER_H

#include <linux/types.h>

bool cm_power_hibernating(void);
void cm_power_wipe(void);

int cm_power_init(void);
void cm_power_exit(void);

#endif /* _CM_POWER_H */
