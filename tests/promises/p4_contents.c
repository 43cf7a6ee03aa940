// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4: nothing is lost: against a copy in ordinary memory, through a small window, fork, remapping and giving back.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define PAGES	200
#define SIZE	(PAGES * 4096UL)

static char *region, *copy;
static int device;

static bool same(void)
{
	return memcmp(region, copy, SIZE) == 0;
}

static void fill(unsigned int seed)
{
	struct tap_random random = { seed };

	for (size_t i = 0; i < SIZE; i += 8) {
		unsigned long word = tap_random(&random, ~0UL);

		memcpy(region + i, &word, 8);
		memcpy(copy + i, &word, 8);
	}
}

static void random_access(void)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = 8 };
	struct tap_random random = { 1 };
	bool good = ioctl(device, CRYPTMEM_IOC_CONFIG, &config) == 0;

	for (int i = 0; i < 4000 && good; i++) {
		size_t at = tap_random(&random, SIZE);

		if (tap_random(&random, 3))
			good = region[at] == copy[at];
		else
			region[at] = copy[at] = (char)i;
		if (i % 1000 == 0)
			usleep(2000);
	}
	ok(good && same(), "a window of 8 pages, %d pages read and written at random", PAGES);
	config.window = 32;
	ioctl(device, CRYPTMEM_IOC_CONFIG, &config);
}

static int in_child(bool (*check)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(check() ? 0 : 1);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static bool child_writes(void)
{
	bool good = same();

	for (size_t i = 0; i < SIZE; i += 4096)
		region[i] = copy[i] = 'c';
	usleep(20000);
	return good && same() && in_child(same) == 0;
}

static bool child_waits(void)
{
	/* The parent writes meanwhile. */
	while (!shared->command)
		usleep(1000);
	return same();
}

static void fork_both_ways(void)
{
	pid_t pid;
	int status;

	ok(in_child(child_writes) == 0, "a child, and its child, have the parent's contents, and may write");
	ok(same(), "what the child wrote is not the parent's");
	pid = fork();
	if (pid == 0)
		_exit(child_waits() ? 0 : 1);
	for (size_t i = 0; i < SIZE; i += 4096)
		region[i] = copy[i] = 'p';
	shared->command = 1;
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "what the parent writes after fork() is not the child's");
	ok(same(), "but the parent's");
}

static bool faults(char *address)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		*(volatile char *)address = 1;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status);
}

/* Where ten pages can be moved to, with nothing else there. */
static char *somewhere(void)
{
	return mmap(NULL, 10 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void remapping(void)
{
	char *hole = region + 50 * 4096, *away = somewhere(), *moved;

	ok(mprotect(region, SIZE, PROT_NONE) == 0 && faults(region) && mprotect(region, SIZE, PROT_READ) == 0 && faults(region) && same() &&
	   mprotect(region, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect() to nothing, to read, and back");
	region[3 * 4096] = copy[3 * 4096] = 'w';
	ok(same(), "contents and writing survive it");
	ok(mprotect(region, SIZE, PROT_READ | PROT_EXEC) < 0 && errno == EACCES, "never executable: EACCES");

	moved = mremap(hole, 10 * 4096, 10 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, away);
	ok(moved == away && memcmp(moved, copy + (hole - region), 10 * 4096UL) == 0, "pages in the middle moved by mremap() keep their contents");
	moved[5] = 'm';
	ok(faults(hole) && moved[5] == 'm', "and are gone from where they were");
	ok(mremap(moved, 10 * 4096, 10 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, hole) == hole && hole[5] == 'm', "and come back");
	hole[5] = copy[hole - region + 5];
	ok(same(), "nothing else has changed");

	ok(munmap(region + SIZE - 4096, 4096) == 0 && faults(region + SIZE - 4096) && memcmp(region, copy, SIZE - 4096) == 0, "the last page unmapped");
	ok(munmap(region + 4096, 4096) == 0 && memcmp(region, copy, 4096) == 0 && memcmp(region + 8192, copy + 8192, SIZE - 3 * 4096) == 0,
	   "a page in the middle unmapped");
}

/* What is cut off is gone; what stays is as it was, also when it is moved meanwhile. A region of its own: mremap() goes by one VMA. */
static void resizing(void)
{
	struct cryptmem_status status = { .size = sizeof(status) };
	char *small, *moved, *away = somewhere(), *contents = copy + 20 * 4096;
	unsigned long used;

	small = victim_region(20, NULL);
	ioctl(device, CRYPTMEM_IOC_STATUS, &status);
	used = status.used_pages;
	memcpy(small, contents, 20 * 4096UL);
	ok(mremap(small, 20 * 4096, 40 * 4096, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT && memcmp(small, contents, 20 * 4096UL) == 0,
	   "a region does not grow: EFAULT");
	ok(mremap(small, 20 * 4096, 20 * 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED && errno == EINVAL &&
	   memcmp(small, contents, 20 * 4096UL) == 0, "MREMAP_DONTUNMAP: EINVAL");
	ok(mremap(small, 20 * 4096, 10 * 4096, 0) == small && faults(small + 10 * 4096) && memcmp(small, contents, 10 * 4096UL) == 0,
	   "a region made smaller by mremap() keeps what is left");
	ok(ioctl(device, CRYPTMEM_IOC_STATUS, &status) == 0 && status.used_pages == used + 10, "and uses no more than that");
	moved = mremap(small, 10 * 4096, 5 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, away);
	ok(moved == away && memcmp(moved, contents, 5 * 4096UL) == 0 && faults(small) && faults(moved + 5 * 4096),
	   "moved and made smaller at once, too");
	munmap(moved, 5 * 4096);
	ok(ioctl(device, CRYPTMEM_IOC_STATUS, &status) == 0 && status.used_pages == used && same(), "then it uses nothing, and nothing else has changed");
}

static void giving_back(void)
{
	victim_discard(device, region + 10 * 4096, 3);
	memset(copy + 10 * 4096, 0, 3 * 4096UL);
	ok(memcmp(region + 8192, copy + 8192, SIZE - 3 * 4096) == 0, "discarded pages read as zero, the others as ever");
	ok(madvise(region + 8192, 4096, MADV_DONTNEED) < 0, "madvise(MADV_DONTNEED) is refused");
}

static void *increment(void *at)
{
	for (int i = 0; i < 2000; i++) {
		__atomic_add_fetch((long *)at, 1, __ATOMIC_RELAXED);
		if (i % 50 == 0)
			usleep(100);
	}
	return NULL;
}

static void threads(void)
{
	long *sum = (long *)victim_region(1, NULL);
	pthread_t thread[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, increment, sum);
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	ok(*sum == 8 * 2000, "8 threads on one word lose no increment");
}

int main(void)
{
	victim_setup();
	region = victim_region(PAGES, &device);
	copy = malloc(SIZE);
	ok(tap_is_filled(region, 0, SIZE), "a new region is zero");
	fill(7);
	usleep(10000);
	ok(same(), "what is written is read");
	random_access();
	fork_both_ways();
	resizing();
	remapping();
	giving_back();
	threads();
	return tap_done();
}
