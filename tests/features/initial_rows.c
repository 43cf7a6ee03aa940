// SPDX-License-Identifier: GPL-2.0-only
/* initial_rows: the rows of kind 0, for initial.c. */
#include <stdio.h>

#include "keeper.h"

int main(void)
{
	for (unsigned int i = 0; i < KEEPER_WORDS; i++)
		printf("%uu,\n", sequence(i));
	return 0;
}
