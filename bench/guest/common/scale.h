/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs share that let something grow (scale-*.c): a point of a
 * curve, and a probe, which is a process that measures itself while there is
 * so much of that something.
 */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A point: with @n of what grows on @axis, one @op costs @ns on memory of that
 * kind.
 */
void point(const char *axis, bool protected, uint64_t n, const char *op,
	   double ns);

/*
 * Calls @measure, in a child, for each of the numbers, which end with NULL; once before that as a rehearsal.
 */
void measure_each(void (*measure)(void *n), char **numbers);

/* Memory of a kind: a region, or shared anonymous memory. @fd: device() or -1 */
unsigned char *get_memory(int fd, size_t bytes);

/* Sleep a moment, so often: what one sleep costs, all in all: spinner_init(). */
double sleeps(unsigned int times, unsigned char *touch, unsigned int pages);

/* What a fork() costs the caller, so often; and then each child's end. */
void forks(unsigned int times, double *forking, double *ending);

/*
 * @times processes, one after the other: each opens the device, maps, touches,
 * sleeps, forks, exits. Prints a point for each of these.
 */
void probe(const char *axis, bool protected, uint64_t n, unsigned int times);

/* Starts a child that gets a page of memory, if it is to, and sleeps on. */
void sleeper(bool protected);

#endif /* BENCH_SCALE_H */
