// SPDX-License-Identifier: GPL-2.0-only
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Set by keep: a byte goes there when all is in its place, one comes when it may go on. */
#define TO_KEEP		3
#define FROM_KEEP	4

void keeper_fill(volatile unsigned int *words, unsigned int kind)
{
	for (unsigned int i = 0; i < KEEPER_WORDS; i++)
		words[i] = sequence(kind * KEEPER_WORDS + i);
}

bool keeper_intact(volatile unsigned int *words, unsigned int kind)
{
	for (unsigned int i = 0; i < KEEPER_WORDS; i++)
		if (words[i] != sequence(kind * KEEPER_WORDS + i))
			return false;
	return true;
}

void keeper_wait(void)
{
	char byte = 0;

	if (write(TO_KEEP, &byte, 1) != 1 || read(FROM_KEEP, &byte, 1) != 1)
		_exit(3);
}

void keeper_expect(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "keeper: %s\n", what);
	_exit(4);
}
