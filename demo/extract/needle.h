/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * needle: with the true private key at hand, counts whatever is left of it.
 * No attacker can do that; it checks that the attacks overlooked nothing.
 */
#ifndef EXTRACT_NEEDLE_H
#define EXTRACT_NEEDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loot;
struct target;

#define NEEDLE_NAMES	6	/* d p q dp dq qinv */

/**
 * struct needles - what to look for, and what was found
 * @pieces: 16 bytes each
 * @count: how many
 * @hits: by number and byte order (0: lowest first, 1: highest first)
 * @first: address of the first hit
 * @any: whether there is a first
 */
struct needles {
	struct needle_piece *pieces;
	size_t count;
	size_t hits[NEEDLE_NAMES][2];
	uint64_t first;
	bool any;
};

bool needles_make(struct needles *n, const struct loot *reference,
		  const struct target *t);
void needles_scan(struct needles *n, const uint8_t *data, size_t size,
		  uint64_t va);
size_t needles_total(const struct needles *n);
void needles_describe(const struct needles *n, char *text, size_t size);
void needles_free(struct needles *n);

#endif
