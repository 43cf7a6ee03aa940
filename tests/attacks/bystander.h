/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Someone else's process, with a region of its own, that must go on while the machine is being ill-treated: and beside it, as the
 * control, one that does the same with ordinary memory.
 */
#ifndef BYSTANDER_H
#define BYSTANDER_H

#include <stdbool.h>

/* Starts both. Call victim_setup() first. */
void bystander_start(void);
/* Whether the owner still goes on, however slowly, and has lost nothing. */
bool bystander_goes_on(void);
/* Ends both. True when the owner has lost nothing, and was never held up for much longer than the control was; tells how long. */
bool bystander_end(char *text, int size);

/* Becomes nobody, without a way back, and without core files. */
void become_nobody(void);
/* Takes a child's end: true when it exits with 0 within some seconds. It is killed, and false returned, when it does not end. */
bool ends_well(int pid, int seconds);

/* A field of /sys/kernel/debug/cryptmem/totals. */
long module_total(const char *name);

#endif
