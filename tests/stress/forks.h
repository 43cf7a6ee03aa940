/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FORKS_H
#define FORKS_H

/*
 * Owners that fork, and whose children do, as long as their cgroup lets them; all are killed again and again. How many there were; -1: there
 * can be no such group.
 */
long stress_forks(void);

#endif
