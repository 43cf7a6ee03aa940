// SPDX-License-Identifier: GPL-2.0-only
#include "needle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

/*
 * Small enough for what is left of a number in a vector register or on a
 * stack, far too large to be met by chance.
 */
#define PIECE_BYTES	16
#define PIECE_STEP	8
#define NUMBER_MAX	2048

struct needle_piece {
	uint8_t bytes[PIECE_BYTES];
	uint8_t number, order;
};

static const char *const names[NEEDLE_NAMES] = { "d", "p", "q", "dp", "dq", "qinv" };

/* By the first bytes, which rule out nearly all that is not a piece. */
static uint8_t filter[1 << 21];

static uint32_t first_bits(const uint8_t *bytes)
{
	uint32_t first;

	memcpy(&first, bytes, 4);
	return (first ^ first >> 11) & ((1u << 24) - 1);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, PIECE_BYTES);
}

static void add_pieces(struct needles *n, const BIGNUM *number, size_t len, int index)
{
	uint8_t bytes[2][NUMBER_MAX];

	BN_bn2lebinpad(number, bytes[0], len);
	BN_bn2binpad(number, bytes[1], len);
	for (int order = 0; order < 2; order++) {
		for (size_t at = 0; at + PIECE_BYTES <= len; at += PIECE_STEP) {
			struct needle_piece *piece = &n->pieces[n->count++];
			uint32_t bit = first_bits(bytes[order] + at);

			memcpy(piece->bytes, bytes[order] + at, PIECE_BYTES);
			piece->number = index;
			piece->order = order;
			filter[bit / 8] |= 1 << bit % 8;
		}
	}
}

/**
 * needles_make() - prepare the search
 * @n: what to fill in; one at a time
 * @reference: the true private key
 * @t: public half
 *
 * Return: whether that worked.
 */
bool needles_make(struct needles *n, const struct loot *reference,
		  const struct target *t)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *dp = BN_new(), *dq = BN_new(), *one = BN_new(), *qinv = NULL;
	size_t half = t->prime_bytes;
	bool good;

	memset(n, 0, sizeof(*n));
	n->pieces = calloc(2 * (2 * half + 5 * half) / PIECE_STEP + 1, sizeof(*n->pieces));
	good = n->pieces && ctx && 2 * half <= NUMBER_MAX &&
	       BN_sub(one, reference->p, BN_value_one()) &&
	       BN_mod(dp, reference->d, one, ctx) &&
	       BN_sub(one, reference->q, BN_value_one()) &&
	       BN_mod(dq, reference->d, one, ctx);
	if (good) {
		qinv = BN_mod_inverse(NULL, reference->q, reference->p, ctx);
		add_pieces(n, reference->d, 2 * half, 0);
		add_pieces(n, reference->p, half, 1);
		add_pieces(n, reference->q, half, 2);
		add_pieces(n, dp, half, 3);
		add_pieces(n, dq, half, 4);
		if (qinv)
			add_pieces(n, qinv, half, 5);
		qsort(n->pieces, n->count, sizeof(*n->pieces), by_bytes);
	}
	BN_clear_free(dp);
	BN_clear_free(dq);
	BN_clear_free(one);
	BN_clear_free(qinv);
	BN_CTX_free(ctx);
	return good;
}

/**
 * needles_scan() - count the pieces in a range, at any alignment
 * @n: the needles
 * @data: the range
 * @size: bytes
 * @va: address of its start
 */
void needles_scan(struct needles *n, const uint8_t *data, size_t size, uint64_t va)
{
	for (size_t at = 0; at + PIECE_BYTES <= size; at++) {
		const struct needle_piece *hit;
		uint32_t bit = first_bits(data + at);

		if (!(filter[bit / 8] >> bit % 8 & 1))
			continue;
		hit = bsearch(data + at, n->pieces, n->count, sizeof(*n->pieces), by_bytes);
		if (!hit)
			continue;
		if (!n->any)
			n->first = va + at;
		n->any = true;
		n->hits[hit->number][hit->order]++;
	}
}

/**
 * needles_total() - all hits
 * @n: the needles
 *
 * Return: how many.
 */
size_t needles_total(const struct needles *n)
{
	size_t total = 0;

	for (int i = 0; i < NEEDLE_NAMES; i++)
		total += n->hits[i][0] + n->hits[i][1];
	return total;
}

/**
 * needles_describe() - for people
 * @n: the needles
 * @text: where it goes
 * @size: room there
 */
void needles_describe(const struct needles *n, char *text, size_t size)
{
	size_t len;

	if (!needles_total(n)) {
		snprintf(text, size, "no piece of the private key in the clear");
		return;
	}
	len = snprintf(text, size, "pieces in the clear:");
	for (int i = 0; i < NEEDLE_NAMES; i++)
		for (int order = 0; order < 2; order++)
			if (n->hits[i][order] && len < size)
				len += snprintf(text + len, size - len, " %zu of %s%s",
						n->hits[i][order], names[i],
						order ? " (serialized)" : "");
	if (len < size)
		snprintf(text + len, size - len, ", first at 0x%" PRIx64, n->first);
}

/**
 * needles_free() - give it back
 * @n: the needles
 */
void needles_free(struct needles *n)
{
	free(n->pieces);
	n->pieces = NULL;
}
