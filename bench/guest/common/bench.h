/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs that measure in guests share. They print records, JSON
 * objects of a line each, to standard output: record_begin(), fields,
 * record_end().
 */
#ifndef BENCH_H
#define BENCH_H

#include <uapi/cryptmem.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096UL

/* Ends the program with a message, as err() does, errno and all. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Nanoseconds; in an --icount guest, instructions. */
uint64_t now(void);

/* Sleep, the CPU left to others, until a time of that clock. */
void sleep_until(uint64_t ns);

/* Opens /dev/cryptmem; dies where there is none. */
int device(void);

/* The counters of the caller's domain; all zero where it has none. */
struct cryptmem_status status(int fd);

/* What has been counted between two looks; maxima and gauges as in @after. */
struct cryptmem_status since(struct cryptmem_status before,
			     struct cryptmem_status after);

/* Have @pages in the window, at least the least that may be asked for. */
void set_window(int fd, unsigned int pages);

/* A region of its own. */
void *region(int fd, size_t bytes);

/* A counter of the module's, all domains together: debugfs, cryptmem/totals. */
uint64_t total(const char *name);

/* Context switches of the caller so far. */
void switches(uint64_t *voluntary, uint64_t *involuntary);

/*
 * A process on this CPU that wakes @hz times a second and does next to
 * nothing. Dies with the caller.
 */
pid_t competitor(unsigned int hz);
void end(pid_t child);

/*
 * What a process costs that sleeps now and then, all in all: a process that
 * only counts takes the CPU while it sleeps, and what that has left is the
 * cost. Sealing happens when the sleep has begun already: no clock of the
 * sleeper's shows it.
 */
void spinner_init(void); /* once, before there is anything to fork */
void spinner_go(void);
void spinner_stop(void);
/* Instructions that the spinner has had, all in all. */
double spinner_had(void);

/* Runs @fn in a child of its own, hence with a domain of its own; waits. */
void in_child(void (*fn)(void *arg), void *arg);

/* A cheap random number. */
static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/*
 * While this is set, records are not printed. The first to run reads the
 * program and its libraries from the host, and waits for that: what is measured
 * should have been done once before.
 */
extern bool rehearsal;

void record_begin(const char *what);
void field(const char *name, uint64_t value);
void field_text(const char *name, const char *value);
void field_real(const char *name, double value);
/* The cipher in use. */
void field_cipher(int fd);
/* The counters that tell what sealing was done. */
void field_counts(const struct cryptmem_status *counts);
void record_end(void);

#endif /* BENCH_H */
