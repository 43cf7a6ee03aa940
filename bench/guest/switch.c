// SPDX-License-Identifier: GPL-2.0-only
/*
 * switch [-n ROUNDS]: what a context switch of a protected process costs, and
 * what its faults cost.
 *
 * Rounds: touch so many pages, then sleep, so that they are sealed once and
 * unsealed once. The module's clock (seal_ns) counts just that, and not the
 * rounds of ageing: what those put out is back, by faults, before the next
 * seal. So each seal is one of exactly so many pages. How the pages are touched
 * tells seals from unseals:
 *	dirty	written: encrypted, decrypted
 *	clean	only read, but written before: wiped, decrypted
 *	empty	only read, never written: wiped
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/bench.h"

#define SHORT	200000	/* ns that are not over before one sleeps */
#define SETTLE	140	/* rounds before ageing is steady, see table2.c */
#define MANY	256	/* pages, for faults: what fits into the window_max of tests/vm/run */

enum touch { DIRTY, CLEAN, EMPTY };

static const char * const touches[] = { "dirty", "clean", "empty" };

struct rounds {
	enum touch touch;
	unsigned int pages, rounds;
};

static void write_to(volatile unsigned char *p, unsigned int pages)
{
	unsigned int i;

	for (i = 0; i < pages; i++)
		p[i * PAGE] = i;
}

static void read_from(volatile unsigned char *p, unsigned int pages)
{
	unsigned int i;

	for (i = 0; i < pages; i++)
		(void)p[i * PAGE];
}

static void go_round(unsigned char *p, const struct rounds *r, unsigned int n)
{
	while (n--) {
		if (r->touch == DIRTY)
			write_to(p, r->pages);
		else
			read_from(p, r->pages);
		sleep_until(now() + SHORT);
	}
}

/* Forget that pages were written: put them out by shrinking the window. */
static void put_out(int fd, unsigned char *p, unsigned int pages)
{
	unsigned char *other = region(fd, 8 * PAGE);

	/* The last 8 that were touched stay in the least window: other ones. */
	(void)p;
	set_window(fd, pages + 8);
	read_from(other, 8);
	set_window(fd, 8);
	set_window(fd, pages);
	munmap(other, 8 * PAGE);
}

static void rounds(void *arg)
{
	const struct rounds *r = arg;
	struct cryptmem_status before, counts;
	int fd = device();
	unsigned char *p = region(fd, r->pages * PAGE);
	double busy;

	set_window(fd, r->pages);
	if (r->touch != EMPTY)
		write_to(p, r->pages);
	if (r->touch == CLEAN)
		put_out(fd, p, r->pages);
	go_round(p, r, SETTLE);
	before = status(fd);
	spinner_go();
	sleep_until(now() + SHORT);
	busy = now() - spinner_had();
	go_round(p, r, r->rounds);
	busy = now() - spinner_had() - busy;
	spinner_stop();
	counts = since(before, status(fd));

	record_begin("rounds");
	field_text("touch", touches[r->touch]);
	field("pages", r->pages);
	field("rounds", r->rounds);
	field_real("ns", busy);
	field_cipher(fd);
	field_counts(&counts);
	record_end();
}

static void fault(const char *how, uint64_t ns, unsigned int n)
{
	record_begin("fault");
	field_text("how", how);
	field_real("ns", (double)ns / n);
	field("n", n);
	record_end();
}

/* A clock that stands still while the module seals or unseals at a switch. */
static uint64_t stopwatch(int fd)
{
	uint64_t sealing = status(fd).seal_ns;

	return now() - sealing;
}

static uint64_t timed(int fd, void (*touch)(volatile unsigned char *, unsigned int),
		      unsigned char *p, unsigned int pages)
{
	uint64_t start = stopwatch(fd);

	touch(p, pages);
	return stopwatch(fd) - start;
}

/* How long it takes to put MANY - 8 pages out. */
static void evict(const char *how, int fd)
{
	uint64_t evictions = status(fd).evictions, start = stopwatch(fd), took;

	set_window(fd, 8);
	took = stopwatch(fd) - start;
	evictions = status(fd).evictions - evictions;
	if (evictions)
		fault(how, took, evictions);
	set_window(fd, MANY);
}

/*
 * A tick is counted to the fault that it interrupts: they are few, and the same
 * in each run. Sealing at a switch in the middle is not: stopwatch() takes it
 * off. But a round of ageing would put everything out: have the next far away.
 */
static void faults(void *unused)
{
	const struct rounds few = { .touch = DIRTY, .pages = 8 };
	unsigned int out = MANY - 8;
	int fd = device();
	unsigned char *p = region(fd, MANY * PAGE), *q = region(fd, 8 * PAGE);
	unsigned char *plain = mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	if (plain == MAP_FAILED)
		die("mmap");
	go_round(q, &few, SETTLE);
	set_window(fd, 8);
	madvise(plain, MANY * PAGE, MADV_NOHUGEPAGE);
	fault("ordinary memory, first write", timed(fd, write_to, plain, MANY), MANY);
	munmap(q, 8 * PAGE);
	set_window(fd, MANY);
	fault("first touch, write", timed(fd, write_to, p, MANY), MANY);
	evict("eviction, dirty", fd);
	fault("sealed page, read", timed(fd, read_from, p, out), out);
	read_from(p, MANY);
	fault("the same page, then written", timed(fd, write_to, p, out), out);
	evict("eviction, written again", fd);
	fault("sealed page, write", timed(fd, write_to, p, out), out);
	set_window(fd, 8);
	set_window(fd, MANY);
	read_from(p, MANY);
	evict("eviction, clean", fd);
	munmap(p, MANY * PAGE);
	p = region(fd, MANY * PAGE);
	fault("first touch, read", timed(fd, read_from, p, MANY), MANY);
	fault("first touch, read, then written", timed(fd, write_to, p, MANY), MANY);
}

int main(int argc, char **argv)
{
	static const unsigned int pages[] = { 8, 16, 24, 32 };
	struct rounds r = { .rounds = 256 };
	unsigned int i;

	if (argc > 2 && !strcmp(argv[1], "-n"))
		r.rounds = strtoul(argv[2], NULL, 0);
	spinner_init();
	for (r.touch = DIRTY; r.touch <= EMPTY; r.touch++) {
		for (i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
			r.pages = pages[i];
			in_child(rounds, &r);
		}
	}
	in_child(faults, NULL);
	return 0;
}
