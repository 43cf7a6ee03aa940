// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reads the kernel's memory, frames of the running victim's among it:
 *	kcore		/proc/kcore, all RAM
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "prey.h"

#define CHUNK	(1UL << 20)
#define PASSES	3
#define SECONDS	40	/* with one CPU, on which the victim is not while it is ours, a quarter of that */
#define PATIENCE	100	/* for what is there to be found */

/* Where a part of the secret begins that is in here, or NULL. Allocations are aligned to 16 bytes. */
static const unsigned char *find(const unsigned char *bytes, size_t length)
{
	uint64_t first[PREY_PAGES];
	unsigned char row[8];

	for (size_t page = 0; page < PREY_PAGES; page++) {
		for (size_t i = 0; i < sizeof(row); i++)
			row[i] = prey_byte(prey->seed, page * 4096 + i);
		memcpy(&first[page], row, sizeof(row));
	}
	for (size_t i = 0; i + PREY_ENOUGH <= length; i += 16) {
		const uint64_t *word = (const void *)(bytes + i);

		for (size_t page = 0; page < PREY_PAGES; page++)
			if (*word == first[page] && prey_leaked(word, PREY_ENOUGH))
				return bytes + i;
	}
	return NULL;
}

static char detail[64] = "/proc/kcore";

/* Physical memory, as the direct map has it: segments whose physical address is known. */
static const unsigned char *search(int fd, unsigned char *chunk, time_t end)
{
	Elf64_Ehdr head;
	Elf64_Phdr segment;
	const unsigned char *found = NULL;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return NULL;
	for (unsigned int i = 0; i < head.e_phnum && !found; i++) {
		if (pread(fd, &segment, sizeof(segment), (off_t)(head.e_phoff + i * sizeof(segment))) != sizeof(segment))
			break;
		if (segment.p_type != PT_LOAD || segment.p_paddr == (Elf64_Addr)-1 || !segment.p_paddr || segment.p_filesz > 1UL << 40)
			continue;
		for (uint64_t at = 0; at < segment.p_filesz && !found && time(NULL) < end; at += CHUNK) {
			ssize_t n = pread(fd, chunk, CHUNK, (off_t)(segment.p_offset + at));

			if (n > 0)
				found = find(chunk, (size_t)n);
			if (found)
				snprintf(detail, sizeof(detail), "/proc/kcore, at %#" PRIx64, segment.p_vaddr + at + (uint64_t)(found - chunk));
		}
	}
	return found;
}

int main(int argc, char **argv)
{
	static unsigned char chunk[CHUNK] __attribute__((aligned(4096)));
	const unsigned char *found = NULL;
	time_t end;
	int fd;

	prey_setup();
	if (argc != 3 || strcmp(argv[2], "kcore") || !prey_start(argv[1], "busy"))
		return 2;
	fd = open("/proc/kcore", O_RDONLY);
	if (fd < 0)
		prey_judge(NULL, 0, "refused", "/proc/kcore cannot be opened");
	end = time(NULL) + (strcmp(argv[1], "malloc") == 0 ? PATIENCE : sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SECONDS : SECONDS / 4);
	for (int pass = 0; pass < PASSES && !found; pass++)
		found = search(fd, chunk, end);
	prey_judge(found, found ? PREY_ENOUGH : 0, "ciphertext", detail);
}
