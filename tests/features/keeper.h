/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What keepers have in common: programs that have rows of the sequence in one kind of memory, see tests/features/run, say so and wait.
 * Each row is of one kind of memory only, so which were found tells where.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "../promises/sequence.h"

/* Rows of each kind: 2 KiB of words. */
#define KEEPER_ROWS	64U
#define KEEPER_WORDS	(KEEPER_ROWS * SEQUENCE_ROW)

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the rows of kind number @kind, from 0 on. */
void keeper_fill(volatile unsigned int *words, unsigned int kind);
/* Whether they are there. */
bool keeper_intact(volatile unsigned int *words, unsigned int kind);
/* Says that all is in its place. Does not return until it is told to go on. */
void keeper_wait(void);
/* Ends the process with a message when @good is not true: such a keeper proves nothing. */
void keeper_expect(bool good, const char *what);

#ifdef __cplusplus
}
#endif

#endif
