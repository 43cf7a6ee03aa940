// SPDX-License-Identifier: GPL-2.0-only
/*
 * scan FILE: how many pages of the sequence stand in a dump of RAM: for each page, eight words in a row, at any even place, from the
 * start and from the middle of the page. A register's worth, as the kernel saves it when it takes the CPU away, is not a page.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sequence.h"

#define ROW	8
#define BITS	16
/* Two rows that begin with the same low bits: only the later one is looked for. */

/* From a word's low bits to the row that begins with it, one more than its number. */
static unsigned short row_of[1 << BITS];
static unsigned int first[2 * SEQUENCE_PAGES];
static char found[2 * SEQUENCE_PAGES];

static int is_row(const unsigned int *at, unsigned int start)
{
	for (unsigned int i = 0; i < ROW; i++)
		if (at[i] != sequence(start + i))
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	const unsigned int *words;
	struct stat st;
	int fd, hits = 0;

	fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st))
		return 2;
	words = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (words == MAP_FAILED)
		return 2;
	for (unsigned int row = 0; row < 2 * SEQUENCE_PAGES; row++) {
		/* 16 words in: the first of a page are in registers at a fault */
		first[row] = row * 512 + 16;
		row_of[sequence(first[row]) & ((1 << BITS) - 1)] = (unsigned short)(row + 1);
	}
	for (size_t i = 0; i + ROW < (size_t)st.st_size / 4; i++) {
		unsigned int row = row_of[words[i] & ((1 << BITS) - 1)];

		if (row && is_row(words + i, first[row - 1]))
			found[row - 1] = 1;
	}
	for (unsigned int row = 0; row < 2 * SEQUENCE_PAGES; row++)
		hits += found[row];
	printf("%d\n", hits);
	return 0;
}
