// SPDX-License-Identifier: GPL-2.0-only
/*
 * scan FILE: how many rows of the sequence stand in a dump of RAM. A row is eight words, 32 bytes as they lie aligned in their page; it
 * is found at any word of the dump. Every row counts, also those at the start of a page, which were in registers when the page was
 * first touched: the victim computes word by word, so what the kernel saves of its registers is one word, not a row.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "look.h"

int main(int argc, char **argv)
{
	const unsigned int *words;
	struct stat st;
	int fd;

	fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st))
		return 2;
	words = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (words == MAP_FAILED)
		return 2;
	look_prepare();
	printf("%u\n", look_rows(words, (size_t)st.st_size / 4));
	return 0;
}
