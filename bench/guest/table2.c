// SPDX-License-Identifier: GPL-2.0-only
/*
 * table2 [-w WRITES] MEMORY:BYTES[:SET]...: the protocol of the paper's table 2. A
 * process does WRITES random writes over BYTES of memory, with a competitor on
 * the same CPU that wakes 100 times a second. MEMORY is malloc, or salloc, the
 * window as large as what is written, or salloc-default, the window as it is.
 * With SET, so many bytes are written only, whole pages spread evenly over all
 * of the memory.
 */
#include <salloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bench.h"

/*
 * Rounds of ageing (kernel/idle.c) grow to 64 seals apart. The owner sleeps so
 * many times before it is timed, so that it is timed in the steady state.
 */
#define SETTLE 140

/* Nanoseconds that are not over before one sleeps. */
#define SHORT 200000

/*
 * Nanoseconds in which the kernel's threads do what setting up has left to them
 * (RCU's grace periods): they, too, switch. Not long enough to be idle.
 */
#define QUIET 500000000

/* More pages than a window may have by default. */
#define MANY 512

/* A line of the table. */
struct cell {
	char memory[24];
	size_t bytes, set;
	uint64_t writes;
};

static bool protected(const struct cell *cell)
{
	return cell->memory[0] == 's';
}

/* Whole region, or pages spread over it: the same instructions for both. */
struct target {
	unsigned char *base;
	uint64_t slots;	/* of 8 bytes, in all pages together */
	size_t stride;	/* from one page to the next */
};

static void write_at_random(const struct target *target, uint64_t writes,
			    uint64_t *state)
{
	while (writes--) {
		uint64_t x = next_random(state);
		uint64_t slot = ((x >> 32) * target->slots) >> 32;
		size_t at = slot / (PAGE / 8) * target->stride +
			    slot % (PAGE / 8) * 8;

		*(volatile uint64_t *)(target->base + at) = x;
	}
}

static void *get(const struct cell *cell)
{
	void *p = protected(cell) ? saligned_alloc(PAGE, cell->bytes) :
				    aligned_alloc(PAGE, (cell->bytes + PAGE - 1) / PAGE * PAGE);

	if (!p)
		die("%s: %zu bytes", cell->memory, cell->bytes);
	return p;
}

static void settle(const struct target *target, uint64_t *state)
{
	uint64_t all = target->slots / (PAGE / 8) * 16 + 16;
	int i;

	/* More than any window: no page stays, and ageing has nothing to learn. */
	if (target->slots > MANY * PAGE / 8)
		return;

	for (i = 0; i < SETTLE; i++) {
		write_at_random(target, all, state);
		sleep_until(now() + SHORT);
	}
}

static void measure(void *arg)
{
	const struct cell *cell = arg;
	struct cryptmem_status before, counts;
	uint64_t state = 88172645463325252ULL, start, took, v0, i0, v1, i1;
	int fd = protected(cell) ? device() : -1;
	struct target target = {};
	pid_t other = competitor(100);	/* before there is memory to fork */
	size_t at;

	target.base = get(cell);
	target.slots = (cell->set ? cell->set : cell->bytes) / 8;
	target.stride = cell->set ? cell->bytes / (cell->set / PAGE) / PAGE * PAGE : PAGE;
	if (!strcmp(cell->memory, "salloc"))
		set_window(fd, (target.slots * 8 + PAGE - 1) / PAGE);
	for (at = 0; at < cell->bytes; at += PAGE)
		target.base[at] = 1;
	settle(&target, &state);

	sleep_until(now() + QUIET);
	switches(&v0, &i0);
	before = status(fd);
	start = now();
	write_at_random(&target, cell->writes, &state);
	took = now() - start;
	counts = since(before, status(fd));
	switches(&v1, &i1);
	end(other);

	record_begin("table2");
	field_text("memory", cell->memory);
	field("bytes", cell->bytes);
	field("set", cell->set);
	field("writes", cell->writes);
	field("ns", took);
	field("switches", v1 - v0 + i1 - i0);
	if (fd >= 0) {
		field_cipher(fd);
		field_counts(&counts);
	}
	record_end();
}

int main(int argc, char **argv)
{
	struct cell cell = { .writes = 1000000 };
	int option;

	while ((option = getopt(argc, argv, "w:")) != -1) {
		if (option != 'w')
			return 2;
		cell.writes = strtoull(optarg, NULL, 0);
	}
	for (; optind < argc; optind++) {
		cell.set = 0;
		if (sscanf(argv[optind], "%23[^:]:%zu:%zu", cell.memory, &cell.bytes, &cell.set) < 2)
			return 2;
		in_child(measure, &cell);
	}
	return 0;
}
