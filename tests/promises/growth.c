// SPDX-License-Identifier: GPL-2.0-only
/*
 * How large a window is: it grows while much of what is put out of it comes back from one context switch to the next, up to window_grow, and
 * shrinks when that is over. Contents are compared all the time. One that was asked for stays.
 */
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define MOST	"/sys/module/cryptmem/parameters/window_grow"

enum { BASE = 32, GROWN = 60, TOO_MANY = 80, MANY = 1000, SECONDS = 60 };

/* What the owner of a window has seen, in a process of its own: there is one window in each. */
static struct {
	unsigned int first, grown, last;
	unsigned long long evictions;
	int larger, wrong;
} *seen;

static volatile unsigned char *pages;
static int device;

/* Reads, checks and writes pages once, in order, which are zero before the first round: each has been put out when its turn comes again, unless all of them fit. */
static void round_of(int n, int round)
{
	for (int i = 0; i < n; i++) {
		if (round ? pages[i * 4096L + i] != (unsigned char)(round - 1 + i) : !tap_is_filled((char *)pages + i * 4096L, 0, 4096))
			seen->wrong++;
		pages[i * 4096L + i] = (unsigned char)(round + i);
	}
}

/* Goes round @rounds times, and on until the window has @want pages, or more. */
static void go_round(int n, int rounds, unsigned int want)
{
	time_t end = time(NULL) + SECONDS;
	struct cryptmem_status s;
	int round = 0;

	seen->first = victim_status(device).window;
	do {
		round_of(n, round++);
		s = victim_status(device);
		if (s.window_pages > s.window)
			seen->larger++;
	} while (round < rounds || (s.window < want && time(NULL) < end));
	seen->grown = s.window;
	/* It may have been put off its CPU, for another round of ageing. */
	for (int tries = 0; tries < 10 && (!tries || seen->evictions); tries++) {
		s = victim_status(device);
		round_of(n, round++);
		seen->evictions = victim_status(device).evictions - s.evictions;
	}
}

static void grow_and_shrink(void)
{
	time_t end;

	go_round(GROWN, 20, GROWN);
	end = time(NULL) + SECONDS;
	do {
		pages[0]++;
		usleep(1000);
		seen->last = victim_status(device).window;
	} while (seen->last > BASE && time(NULL) < end);
}

static void grow_to_the_limit(void)
{
	go_round(TOO_MANY, 20, 2 * BASE);
}

static void grow_and_be_cut(void)
{
	time_t end;

	go_round(GROWN, 20, GROWN);
	end = time(NULL) + SECONDS;
	if (!victim_set(MOST, "0"))
		_exit(2);
	do {
		for (int i = 0; i < GROWN; i++)
			pages[i * 4096L]++;
		usleep(1000);
		seen->last = victim_status(device).window;
	} while (seen->last > BASE && time(NULL) < end);
}

static void scan(void)
{
	round_of(MANY, 0);
	seen->last = victim_status(device).window;
}

static void round_and_round(void)
{
	go_round(GROWN, 20, BASE);
}

static void with_a_size(void)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = BASE };

	if (ioctl(device, CRYPTMEM_IOC_CONFIG, &config))
		_exit(2);
	round_and_round();
}

static bool in_a_child(void (*part)(void))
{
	int result;
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	pid = fork();
	if (pid == 0) {
		pages = (unsigned char *)victim_region(MANY, &device);
		part();
		_exit(0);
	}
	waitpid(pid, &result, 0);
	return result == 0;
}

int main(void)
{
	/* What comes back is counted from one switch to the next: on a slow machine there are too many for it to matter. */
	const struct sched_param first = { .sched_priority = 1 };
	char most[32];
	bool good;

	if (sched_setscheduler(0, SCHED_FIFO, &first))
		return 2;
	victim_setup();
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	victim_get(MOST, most, sizeof(most));
	good = in_a_child(grow_and_shrink);
	ok(good && seen->first == BASE, "a window begins with %d pages (%u)", BASE, seen->first);
	ok(seen->grown >= GROWN && seen->grown <= 4 * BASE, "%d pages are used round and round: it grows until they fit (%u)", GROWN, seen->grown);
	ok(seen->evictions == 0, "and none of them is put out any more (%llu)", seen->evictions);
	ok(seen->last == BASE, "one page is used, between sleeps: it shrinks to what it was (%u)", seen->last);
	ok(!seen->larger && !seen->wrong, "it never holds more than it may, nothing is lost (%d, %d)", seen->larger, seen->wrong);

	ok(strcmp(most, "4") == 0, "window_grow is 4 (%s)", most);
	good = victim_set(MOST, "2") && in_a_child(grow_to_the_limit);
	ok(good && seen->grown == 2 * BASE, "window_grow is 2: it grows to twice its size (%u)", seen->grown);
	ok(seen->evictions > 0 && !seen->larger && !seen->wrong, "and holds no more than it may, nothing is lost (%d, %d)", seen->larger, seen->wrong);

	victim_set(MOST, most);
	good = in_a_child(scan);
	ok(good && seen->last == BASE && !seen->wrong, "%d pages that do not come back: it stays, and each is zero at first (%u, %d)", MANY, seen->last, seen->wrong);
	good = in_a_child(with_a_size);
	ok(good && seen->grown == BASE, "one that was asked for stays (%u)", seen->grown);
	good = in_a_child(grow_and_be_cut);
	ok(good && seen->grown >= GROWN && seen->last == BASE, "window_grow becomes 0: one that has grown shrinks, though it is used (%u, %u)", seen->grown, seen->last);
	good = in_a_child(round_and_round);
	ok(good && seen->grown == BASE, "and none grows any more (%u)", seen->grown);
	victim_set(MOST, most);
	return tap_done();
}
