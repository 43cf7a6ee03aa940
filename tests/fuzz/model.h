/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzzer's model of a process's regions: an arena of pages at a fixed place, and in ordinary memory what should be in each. All that
 * the operations do to the arena they do to the model too.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../unit/tap.h"

#define PAGE	4096UL
#define PAGES	96UL
/* Out of the way of where the kernel puts other things: what is unmapped here for a moment stays empty. */
#define ARENA	((unsigned char *)0x200000000000)

struct page {
	bool mapped;
	bool nofork;	/* a child does not get it */
	int prot;
	unsigned int vma;	/* pages with the same number are surely in one VMA */
};

/* One process's world. A child made by fork() goes on with a copy. */
struct world {
	unsigned long seed, op;	/* for what is told of a mismatch */
	const char *name;	/* of the operation */
	struct tap_random random;
	int device;
	int depth;		/* forks above this process */
	bool noise;		/* other threads are at work beside */
	unsigned int vmas;
	int pipe[2], file;
	struct page page[PAGES];
};

extern bool tracing;

/* Ends the process, and tells the fuzzer what is not as it should be. */
#define mismatch(w, ...) model_mismatch(w, __VA_ARGS__)
void model_mismatch(const struct world *w, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
#define expect(w, good, ...) do { if (!(good)) model_mismatch(w, __VA_ARGS__); } while (0)

/* What the fuzzer's main process and all others share. */
struct report {
	volatile unsigned long ops;
	char text[256];
};

extern struct report *report;

void model_start(struct world *w, unsigned long seed);
unsigned long model_any(struct world *w, unsigned long below);
uint64_t model_word(struct world *w);
/* Bytes from the random numbers of the world. */
void model_fill(struct world *w, unsigned char *to, size_t length);

/* What should be in a page. */
unsigned char *model_shadow(size_t page);
unsigned char *model_at(size_t page);

/* A run of pages: where it starts; *n is how many, up to @most. */
size_t model_range(struct world *w, size_t most, size_t *n);
/* The like, of pages that are mapped with all of @prot. False when a few tries have found none. */
bool model_usable(struct world *w, int prot, size_t most, size_t *first, size_t *n);

void model_map(struct world *w, size_t first, size_t n, int prot);
void model_unmap(struct world *w, size_t first, size_t n);
/* Other VMAs from here on, as far as one knows. */
void model_split(struct world *w, size_t first, size_t n);
void model_zero(size_t first, size_t n);
/* What a child made by fork() has. */
void model_forked(struct world *w);
/* How many from @first on are mapped. */
size_t model_mapped_from(const struct world *w, size_t first, size_t n);

/* Touches memory where SIGSEGV and SIGBUS are caught: 0 or the signal. */
int guarded_copy(void *to, const void *from, size_t length);

/* One page, as the program sees it, against the model. */
void model_check(struct world *w, size_t page);
void model_check_all(struct world *w);
/* Whether these bytes, got by a way that must not give them, are a page's. */
bool model_leaked(size_t page, const unsigned char *got, size_t length);

#endif
