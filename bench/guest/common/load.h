/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that is asked of a process, or done by this one, for a while; and what the while cost.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is known of a process at a moment. */
struct look {
	uint64_t ns;		/* the clock, when the look began */
	uint64_t switches;	/* its switches so far, all threads */
	uint64_t cpu_ns;	/* time that its first thread has had on a CPU */
	bool plain_known;	/* the module counts plain_ns */
	uint64_t counts[8];	/* of its domain, in the order of load.c; zero where it has none */
};

void look_at(pid_t pid, struct look *look);
/* Prints `"ns": ..., "switches": ...` and so on: what has become more from one look to the other. */
void print_difference(const struct look *from, const struct look *to);

/*
 * The command line PID MS RATE COMPETITOR: calls @once for MS milliseconds, one after the other (RATE `closed`), or so many times a
 * second; `idle`: not at all. COMPETITOR wakes so many times a second meanwhile. Prints what the time cost the process PID (0: this one) as a
 * JSON object, with the words in $LABELS in front. @once answers 0, or the program ends with status 1. A call stands for @batch pieces of work.
 * Before that, a fifth of the time passes unmeasured.
 */
int load_run(char **argv, int (*once)(void *arg), void *arg, unsigned int batch);

#endif
