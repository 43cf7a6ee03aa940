/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the kernel's log while allocations fail, and counts in which functions of the module they did: the first frame of a failure's stack
 * that is the module's.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

/*
 * Has this kernel let allocations fail for those who ask for it, and those, too, that may sleep, and say so in its log. False, and it is said on
 * stderr, where it cannot.
 */
bool log_prepare(void);
void log_start(void);
/* How many allocations have failed until now. Waits for the log to be read. */
unsigned long log_failures(void);
/* Says, as a comment of TAP, how often in which function. Whether any was in the module's. */
bool log_end(void);

#endif
