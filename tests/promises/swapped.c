// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2 and P4 on a swap disk: all of a region that sleeps goes out, as ciphertext; a page that somebody changes there gives its owner a SIGBUS
 * and the log a line, every other one is intact.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"
#include "sequence.h"
#include "swap_disk.h"

#define CHUNK	(1 << 20)

static sigjmp_buf again;
static int gate[2];
static char ciphertext[SEQUENCE_PAGES][4096];

static void caught(int signal)
{
	siglongjmp(again, signal);
}

static void wait_at_gate(void)
{
	char byte;

	if (read(gate[0], &byte, 1) != 1)
		_exit(2);
}

static void open_gate(void)
{
	if (write(gate[1], "", 1) != 1)
		exit(2);
}

static void victim(void)
{
	volatile unsigned int *words, page = 0;

	/* First into the cgroup, which its memory is charged to. */
	wait_at_gate();
	words = (void *)victim_region(SEQUENCE_PAGES, NULL);
	signal(SIGBUS, caught);
	for (unsigned int i = 0; i < SEQUENCE_WORDS; i++)
		words[i] = sequence(i);
	shared->rounds = (long)words;
	shared->ready = 1;
	wait_at_gate();
	for (; page < SEQUENCE_PAGES; page++) {
		if (sigsetjmp(again, 1))
			shared->command++;
		else if (sequence_fills(words, page))
			shared->tid++;
		else
			shared->wrong++;
	}
	shared->ready = 2;
	pause();
}

static void read_ciphertext(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	if (pread(fd, ciphertext, sizeof(ciphertext), (off_t)shared->rounds) != sizeof(ciphertext))
		tap_note("ciphertext: not read");
	close(fd);
}

/* The swap disk past the page cache: what the kernel has written there. */
static int look_at_disk(off_t *place, unsigned int *plain)
{
	char *chunk = aligned_alloc(4096, CHUNK);
	int fd = open(SWAP_DISK, O_RDONLY | O_DIRECT), pages = 0;
	ssize_t size;

	for (off_t at = 0; (size = pread(fd, chunk, CHUNK, at)) > 0; at += size) {
		for (char *page = chunk; page < chunk + size; page += 4096) {
			for (unsigned int i = 0; i < SEQUENCE_PAGES; i++) {
				unsigned int first = sequence(i * 1024 + 16);

				*plain += memcmp(page + 64, &first, 4) == 0;
				if (memcmp(page, ciphertext[i], 4096))
					continue;
				pages++;
				*place = at + (page - chunk);
			}
		}
	}
	close(fd);
	free(chunk);
	return pages;
}

static void tamper(off_t place)
{
	char *page = aligned_alloc(4096, 4096);
	int fd = open(SWAP_DISK, O_RDWR | O_DIRECT);

	if (pread(fd, page, 4096, place) == 4096) {
		page[1000] ^= 1;
		if (pwrite(fd, page, 4096, place) != 4096)
			tap_note("the swap disk was not written to");
	}
	close(fd);
	free(page);
}

int main(void)
{
	unsigned int plain = 0;
	off_t place = -1;
	int pages = 0;
	pid_t pid;

	victim_setup();
	if (pipe(gate))
		return 2;
	pid = fork();
	if (pid == 0)
		victim();
	if (!swap_disk_prepare(pid))
		tap_note("no swap");
	open_gate();
	victim_wait(&shared->ready);
	usleep(2500000);	/* longer than idle_ms: nothing is pinned */
	read_ciphertext(pid);
	for (int i = 0; i < 20 && pages < (int)SEQUENCE_PAGES; i++) {
		swap_disk_reclaim();
		usleep(100000);
		plain = 0;
		pages = look_at_disk(&place, &plain);
	}
	/* What has been written is dropped from memory the next time. */
	for (int i = 0; i < 5; i++) {
		swap_disk_reclaim();
		usleep(100000);
	}
	ok(pages == (int)SEQUENCE_PAGES, "all pages of a region that sleeps are swapped out (%d of %u)", pages, SEQUENCE_PAGES);
	ok(plain == 0, "as ciphertext");
	if (place >= 0)
		tamper(place);
	open_gate();
	while (shared->ready != 2 && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(10000);
	ok(shared->command == 1 && !shared->wrong, "a page changed on the disk is a SIGBUS (%d), never wrong data (%ld)", shared->command, shared->wrong);
	ok(shared->tid == (int)SEQUENCE_PAGES - 1, "all the others are intact (%d)", shared->tid);
	ok(victim_log("the ciphertext was tampered with: SIGBUS") != NULL, "and the log says so");
	victim_end(pid);
	return tap_done();
}
