// SPDX-License-Identifier: GPL-2.0-only
/* A keeper of what was there before it was protected, by sprotect(); "plain" as an argument: which was not. */
#include <salloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "keeper.h"

#define PAGE	4096U
/* So many that where they were is not all used for something else soon. */
#define MANY	2048U

static _Alignas(PAGE) volatile unsigned int unset[PAGE / 4];
static _Alignas(PAGE) volatile unsigned int set[PAGE / 4] = { 1 };
static bool plain;

/* The same in all of the pages. */
static void protect(volatile unsigned int *at, unsigned int kind, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		keeper_fill(at + i * (PAGE / 4), kind);
	keeper_expect(plain || sprotect((void *)at, pages * PAGE) == 0, "sprotect");
}

int main(int argc, char **argv)
{
	volatile unsigned int *heap = sbrk(2 * PAGE);
	volatile unsigned int *mapped = mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	plain = argc > 1 && !strcmp(argv[1], "plain");
	heap += (unsigned int)(-(unsigned long)heap % PAGE / 4);
	protect(unset, 0, 1);
	protect(set, 1, 1);
	protect(heap, 2, 1);
	protect(mapped, 3, MANY);
	keeper_wait();
	keeper_expect(keeper_intact(unset, 0) && keeper_intact(set, 1) && keeper_intact(heap, 2) && keeper_intact(mapped + (MANY - 1) * (PAGE / 4), 3),
		      "contents");
	keeper_expect(plain || (sunprotect((void *)set, PAGE) == 0 && keeper_intact(set, 1)), "sunprotect");
	return 0;
}
