/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chardev: /dev/cryptmem, the door. include/uapi/cryptmem.h says what it takes.
 *
 * Locks: map_lock, and cm_domain.lock after it, for what it tells and sets.
 */
#ifndef _CM_CHARDEV_H
#define _CM_CHARDEV_H

int cm_chardev_init(void);
void cm_chardev_exit(void);

#endif /* _CM_CHARDEV_H */
