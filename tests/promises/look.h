/* SPDX-License-Identifier: GPL-2.0-only */
/* What a dump of RAM is searched for: by the host (scan, keyscan), and by a crash kernel's only program (postmortem). */
#ifndef LOOK_H
#define LOOK_H

#include <stdbool.h>
#include <stddef.h>

#define SCHEDULE_KEY	4U	/* words of an AES-128 key */
#define SCHEDULE_WORDS	44U	/* and of what encryption makes of it: 11 round keys */

/* Call first. */
void look_prepare(void);
/* The number of rows of the sequence that stand in @words and stood in none before. A row may begin at any word. */
unsigned int look_rows(const unsigned int *words, size_t n);
/* Whether @at begins the schedule of a key that is not zero: zero is what keys are wiped with, and what RAM is full of. */
bool look_is_schedule(const unsigned int *at);
/* Makes one. */
void look_expand(const unsigned int *key, unsigned int *schedule);

#endif
