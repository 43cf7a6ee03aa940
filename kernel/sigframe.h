/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sigframe: tells the frame of a signal, on a stack that is in a region, and what
 * the kernel writes without looking whether it can, from what a system call
 * touches. To fail there would be the end of the program.
 */
#ifndef _CM_SIGFRAME_H
#define _CM_SIGFRAME_H

#include <linux/types.h>

bool cm_sigframe_touched(unsigned long address, bool write);
bool cm_sigframe_may_wait(unsigned long address, bool write, bool soon);

#endif /* _CM_SIGFRAME_H */
