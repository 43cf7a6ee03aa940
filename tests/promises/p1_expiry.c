// SPDX-License-Identifier: GPL-2.0-only
/*
 * max_plain_us: a page that has been plaintext for so long is sealed although its owner runs, and comes back when it is touched.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define LIMIT	"/sys/module/cryptmem/parameters/max_plain_us"

enum { PAGES = 4, MANY = 80, ROUNDS = 10 };

static void spin(int ms)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
}

/* Before all but the kernel's own that are so: on one slow CPU there is always somebody else. */
static void realtime(bool on)
{
	struct sched_param param = { .sched_priority = on };

	if (sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param))
		exit(2);
}

/*
 * Touches pages, then computes for a while without them, in which it is not once put off its CPU: that would have the window age.
 * How many pages are left in the window then; -1 when it was put off each time.
 */
static int left(int fd, volatile char *pages, int ms, int tries)
{
	while (tries--) {
		struct cryptmem_status before = victim_status(fd), after;

		for (int i = 0; i < PAGES; i++)
			pages[i * 4096] = (char)(i + 1);
		after = victim_status(fd);
		for (int waited = 0; waited < ms && after.window_pages; waited += 20) {
			spin(20);
			after = victim_status(fd);
		}
		if (after.switch_seals == before.switch_seals)
			return (int)after.window_pages;
	}
	return -1;
}

static void untouched(int fd, volatile char *pages)
{
	int n;

	realtime(true);
	n = left(fd, pages, 20, 100);
	ok(n == PAGES, "control: without a limit, %d pages that were touched stay as they are (%d left)", PAGES, n);
	ok(victim_set(LIMIT, "1000"), "max_plain_us=1000");
	n = left(fd, pages, 1000, 20);
	realtime(false);
	ok(n == 0, "they are put out while their owner runs on (%d left)", n);
	for (n = 0; n < PAGES && pages[n * 4096] == n + 1; n++)
		;
	ok(n == PAGES, "and come back with what was in them");
}

/* What waits for its time by the old limit does not keep the next page from being put out by the new one. */
static void made_smaller(int fd, volatile char *pages)
{
	bool set;
	int n;

	realtime(true);
	set = victim_set(LIMIT, "60000000");
	n = left(fd, pages, 20, 100);
	set = victim_set(LIMIT, "1000") && set;
	for (int waited = 0; waited < 1000 && victim_status(fd).window_pages; waited += 20)
		spin(20);
	ok(set && n == PAGES && victim_status(fd).window_pages == 0, "control: with a limit of a minute they stay (%d left), until it is made smaller", n);
	n = left(fd, pages, 1000, 20);
	realtime(false);
	ok(n == 0, "those that are touched after that are put out, too (%d left)", n);
}

static void *rounds(void *argument)
{
	volatile unsigned int *words = argument;
	long wrong = 0;

	for (unsigned int round = 0; round < ROUNDS; round++)
		for (unsigned int i = 0; i < MANY / 2; i++) {
			volatile unsigned int *word = words + i * 1024;

			wrong += *word != (round ? (round - 1) * 77 + i : 0);
			*word = round * 77 + i;
		}
	return (void *)wrong;
}

static volatile bool done;

static void *set_limits(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; !done; i++)
		if (!victim_set(LIMIT, i % 2 ? "400" : "500"))
			return LIMIT;
	return NULL;
}

static void contents(int fd)
{
	char *pages = victim_region(MANY, NULL);
	__u64 faults = victim_status(fd).faults;
	void *others = NULL, *unset = NULL;
	pthread_t thread, setter;
	long wrong;
	int code;
	pid_t pid;

	victim_set(LIMIT, "500");
	pthread_create(&setter, NULL, set_limits, NULL);
	pthread_create(&thread, NULL, rounds, pages + MANY / 2 * 4096);
	wrong = (long)rounds(pages);
	pthread_join(thread, &others);
	done = true;
	pthread_join(setter, &unset);
	ok(wrong == 0 && others == NULL && !unset, "two threads write and read with a short limit, which is set all the time: nothing is lost");
	faults = victim_status(fd).faults - faults;
	tap_note("%d pages, %d rounds: %llu faults", MANY, ROUNDS, (unsigned long long)faults);
	pid = fork();
	if (pid == 0) {
		bool good = true;

		for (int i = 0; i < MANY / 2; i++)
			good = good && *(volatile unsigned int *)(pages + i * 4096) == (unsigned int)((ROUNDS - 1) * 77 + i);
		_exit(!good);
	}
	ok(waitpid(pid, &code, 0) == pid && code == 0, "nor by fork()");
	munmap(pages, MANY * 4096);
}

int main(void)
{
	char *pages;
	int fd;

	victim_setup();
	victim_set(LIMIT, "0");
	pages = victim_region(PAGES, &fd);
	untouched(fd, pages);
	made_smaller(fd, pages);
	contents(fd);
	victim_set(LIMIT, "0");
	munmap(pages, PAGES * 4096);
	close(fd);
	return tap_done();
}
