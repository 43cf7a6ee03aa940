/* SPDX-License-Identifier: GPL-2.0-only */
/* What the ways of ill-treating a machine have in common: their time, their owners, and a cgroup. */
#ifndef WAY_H
#define WAY_H

#include <stdbool.h>

#include "worker.h"

/* Seconds more for what has not been able to do anything yet */
#define WAY_ENOUGH	120

/* How long each may take, where that is not 0 or less; and other random numbers than those of the ways beside it. */
void way_set_up(int for_seconds, unsigned int random);
/* For how long that is. */
int way_seconds(void);
/* Its time begins. */
void way_from_now(void);
/* Until the time is up, and something has been done; but not for ever, and nobody waits for what the dead should do. */
bool way_going_on(long done);
unsigned long way_any(unsigned long below);
/* Waits until all have begun: which is not taken from the time that there is. */
void way_begun(const pid_t *pids, unsigned int n, long before);
void way_start(pid_t *pids, unsigned int n, const struct work *work);
/* Each must have gone on until now, with all its pages as it left them. Once in a way: nobody works after it. */
void way_end(const pid_t *pids, unsigned int n);

/* The number in a file of the kernel's. -1: there is none. */
long way_number(const char *path);

/* Makes the cgroup of this process's way, with a limit to its memory. */
bool group_make(const char *name, const char *limit);
void group_enter(void);
/* The path of a file of the group's, until the next call. */
const char *group_file(const char *file);

#endif
