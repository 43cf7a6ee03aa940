/* SPDX-License-Identifier: GPL-2.0-only */
/* The words that P1's victim writes, and that the machine's RAM is searched for. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include <stdbool.h>

#define SEQUENCE_PAGES	64U
#define SEQUENCE_WORDS	(SEQUENCE_PAGES * 1024)
/* What is searched for: words in a row. */
#define SEQUENCE_ROW	8U
#define SEQUENCE_ROWS	(SEQUENCE_WORDS / SEQUENCE_ROW)

static inline unsigned int sequence(unsigned int i)
{
	unsigned int x = i * 2654435761u ^ 0x9e3779b9u;

	x ^= x >> 15;
	x *= 0x2c1b3c6du;
	x ^= x >> 12;
	x *= 0x297a2d39u;
	return x ^ x >> 15;
}

/* Whether a page of what begins at @words is as it was written. */
static inline bool sequence_fills(volatile unsigned int *words, unsigned int page)
{
	for (unsigned int i = page * 1024; i < (page + 1) * 1024; i++)
		if (words[i] != sequence(i))
			return false;
	return true;
}

#endif
