// SPDX-License-Identifier: GPL-2.0-only
/*
 * scan FILE: how many rows of the sequence stand in a dump of RAM. A row is eight words, 32 bytes as they lie aligned in their page; it
 * is found at any word of the dump. Every row counts, also those at the start of a page, which were in registers when the page was
 * first touched: the victim computes word by word, so what the kernel saves of its registers is one word, not a row.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sequence.h"

#define BITS	20
#define SLOTS	(1U << BITS)

/* From the low bits of a word to the rows that begin with such a one: 1 + the number of the last, then, by ->next, of the others. */
static unsigned short last[SLOTS];
static unsigned short next[SEQUENCE_ROWS];
static bool found[SEQUENCE_ROWS];

_Static_assert(SEQUENCE_ROWS < 65536, "a row's number fits");

static unsigned int slot(unsigned int word)
{
	return word & (SLOTS - 1);
}

static bool is_row(const unsigned int *at, unsigned int row)
{
	for (unsigned int i = 0; i < SEQUENCE_ROW; i++)
		if (at[i] != sequence(row * SEQUENCE_ROW + i))
			return false;
	return true;
}

static void prepare(void)
{
	for (unsigned int row = 0; row < SEQUENCE_ROWS; row++) {
		unsigned short *head = &last[slot(sequence(row * SEQUENCE_ROW))];

		next[row] = *head;
		*head = (unsigned short)(row + 1);
	}
}

int main(int argc, char **argv)
{
	const unsigned int *words;
	unsigned int hits = 0;
	struct stat st;
	int fd;

	fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st))
		return 2;
	words = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (words == MAP_FAILED)
		return 2;
	prepare();
	for (size_t i = 0; i + SEQUENCE_ROW <= (size_t)st.st_size / 4; i++)
		for (unsigned int row = last[slot(words[i])]; row; row = next[row - 1])
			if (!found[row - 1] && is_row(words + i, row - 1)) {
				found[row - 1] = true;
				hits++;
			}
	printf("%u\n", hits);
	return 0;
}
