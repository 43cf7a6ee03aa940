/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * power: when the kernel comes to its end.
 *
 * Hibernation would write the keys to the disk, beside the ciphertext. So it is
 * refused while there are regions, and one line in the log says who is in the
 * way; or, if so configured, the regions and their keys are dropped.
 *
 * A machine that is suspended has all sealed, what the task that suspends it owns
 * included, which never leaves its CPU.
 *
 * At reboot(2) all is dropped before devices are shut down, keys and all. At a
 * panic, and when another kernel is started by kexec, frames and keys are wiped,
 * once the other CPUs have been stopped. Where a machine is reset with nobody asked
 * (sysrq b, a watchdog), nothing is.
 *
 * Locks: takes each domain's map_lock; cm_domain.lock when it suspends; none at a
 * panic, nor when another kernel is started.
 */
#ifndef _CM_POWER_H
#define _CM_POWER_H

#include <linux/types.h>

bool cm_power_closed(bool inherited);
void cm_power_wipe(void);

int cm_power_init(void);
void cm_power_exit(void);

#endif /* _CM_POWER_H */
