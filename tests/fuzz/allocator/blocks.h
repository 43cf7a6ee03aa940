/* SPDX-License-Identifier: GPL-2.0-only */
/* blocks: the model of tests/fuzz/allocator/allocator.c. What each block must hold. */
#ifndef FUZZ_BLOCKS_H
#define FUZZ_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#define BLOCKS		512
#define GRAVES		16

struct entry {
	unsigned char *block;
	size_t size, usable;	/* what was asked for, what ssize() said */
	unsigned char fill;
};

struct model {
	struct entry entries[BLOCKS];
	size_t count;
	size_t allocated;	/* the sum of usable */
	void *graves[GRAVES];	/* blocks that were freed, the last ones */
	size_t buried;
	unsigned int guard;	/* SALLOC_GUARD_*, as asked for */
	unsigned char fill;
	size_t work;		/* pages written, more or less */
};

extern struct model model;

/* Puts an end to it with these words, unless @good. */
void check(bool good, const char *what);

typedef void visit_fn(const struct entry *entry, size_t from, size_t count);
visit_fn verify, verify_zero;

/*
 * The parts of a block that are written and looked at, up to @size. All of it,
 * if it is short; else where pages begin, fewer and fewer of them.
 */
void each_part(const struct entry *entry, size_t size, visit_fn *visit);
/* Those of all of it, and its end. */
void every_part(const struct entry *entry, visit_fn *visit);

/* Into the model: the block of @entry is new, or has a new size. */
void adopt(struct entry *entry, size_t align);
/* Out of the model, the contents being what they should. */
struct entry forget(size_t at);
/* What was freed is zero, or no memory any more. */
void verify_wiped(const struct entry *entry);

#endif
