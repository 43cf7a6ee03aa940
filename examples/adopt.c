// SPDX-License-Identifier: MIT
/* adopt: a table that another part of the program has made is protected where it is, while it has something to hide. cc adopt.c -lsalloc */
#include <err.h>
#include <salloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE	(4 * 4096)

int main(void)
{
	char *table = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED)
		err(1, "mmap");
	strcpy(table, "what everybody may know");
	if (sprotect(table, SIZE))
		err(1, "sprotect");
	strcpy(table + 4096, "what nobody may know");
	puts(table);
	salloc_zero(table + 4096, 4096);
	if (sunprotect(table, SIZE))
		err(1, "sunprotect");
	puts(table);
	return 0;
}
