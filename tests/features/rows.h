/* SPDX-License-Identifier: GPL-2.0-only */
/* Where rows of the sequence are to be found (look.h). Each call counts them all anew; the process ends when it cannot. */
#ifndef ROWS_H
#define ROWS_H

#include <sys/types.h>

/* In the memory of a process, as root gets at it: /proc/PID/mem. */
unsigned int rows_in_process(pid_t pid);
/* In a file, or on a disk, past the page cache. */
unsigned int rows_in_file(const char *path);

#endif
