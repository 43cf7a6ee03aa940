// SPDX-License-Identifier: MIT
/* adopt: a table that another part of the program has made is protected where it is, while it has something to hide. cc adopt.c -lsalloc */
#include <err.h>
#include <salloc.h>
#include <stdio.h>
#include <sys/mman.h>

#define PAGE	((size_t)4096)
#define SIZE	(4 * PAGE)

int main(void)
{
	char *table = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED)
		err(1, "mmap");
	snprintf(table, PAGE, "what everybody may know");
	if (sprotect(table, SIZE))
		err(1, "sprotect");
	snprintf(table + PAGE, PAGE, "what nobody may know");
	puts(table);
	salloc_zero(table + PAGE, PAGE);
	if (sunprotect(table, SIZE))
		err(1, "sunprotect");
	puts(table);
	return 0;
}
