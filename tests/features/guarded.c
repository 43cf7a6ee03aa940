// SPDX-License-Identifier: GPL-2.0-only
/* A keeper of what is in guarded blocks: read and write, read only, and not to be touched; "plain" as an argument: in those of malloc(). */
#include <salloc.h>
#include <stdlib.h>
#include <string.h>

#include "keeper.h"

#define BYTES	(KEEPER_WORDS * sizeof(unsigned int))
#define KINDS	3U

static bool plain;

int main(int argc, char **argv)
{
	static int (*const ways[KINDS])(void *ptr) = { salloc_rw, salloc_ro, salloc_noaccess };
	volatile unsigned int *block[KINDS];

	plain = argc > 1 && !strcmp(argv[1], "plain");
	for (unsigned int i = 0; i < KINDS; i++) {
		block[i] = plain ? malloc(BYTES) : salloc_guarded(BYTES);
		keeper_expect(block[i] != NULL, "a block");
		keeper_fill(block[i], i);
		keeper_expect(plain || ways[i]((void *)block[i]) == 0, "access");
	}
	keeper_wait();
	for (unsigned int i = 0; i < KINDS; i++) {
		keeper_expect(plain || salloc_rw((void *)block[i]) == 0, "salloc_rw");
		keeper_expect(keeper_intact(block[i], i), "contents");
		if (plain)
			free((void *)block[i]);
		else
			sfree((void *)block[i]);
	}
	return 0;
}
