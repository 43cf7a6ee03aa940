/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the kernel's log while allocations fail, and counts in which functions of the module they did: the first frame of a failure's stack
 * that is the module's.
 */
#ifndef LOG_H
#define LOG_H

void log_start(void);
/* Says, as a comment of TAP, how often in which function. */
void log_end(void);

#endif
