// SPDX-License-Identifier: GPL-2.0-only
#include "primes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "key.h"
#include "noise.h"

/* More than this, and an image of noise would keep the division busy. */
#define SMALL		((size_t)16 << 20)
/* So many bits for each word: a few words in a hundred are mistaken for another. */
#define PAIR_BITS_EACH	16
/* OpenSSL's primes are at least sqrt(2) * 2^(bits - 1): 0xb5 on top. */
#define TOP_MIN		0xb5
#define ZEROS_MAX	12

/* The words in an image, as far as one bit each tells; none: anything may be. */
struct pairs {
	uint8_t *bits;
	int shift;
};

/* Structures and text have zeros by the dozen; a prime has hardly one. */
static bool few_zeros(const uint8_t *bytes, size_t len)
{
	unsigned int zeros = 0;

	for (size_t i = 0; i < len; i++) {
		zeros += !bytes[i];
		if (zeros > ZEROS_MAX)
			return false;
	}
	return true;
}

static bool try_prime(const uint8_t *bytes, bool little_endian,
		      const struct target *t, struct loot *l)
{
	BIGNUM *p = little_endian ? BN_lebin2bn(bytes, t->prime_bytes, NULL) :
				    BN_bin2bn(bytes, t->prime_bytes, NULL);
	bool good = p && loot_from_prime(l, t, p);

	BN_clear_free(p);
	return good;
}

static uint64_t hash_word(const struct pairs *pairs, uint64_t word)
{
	return word * 0x9e3779b97f4a7c15 >> pairs->shift;
}

static void remember(const struct pairs *pairs, const uint8_t *data, size_t size)
{
	uint64_t word, hash;

	for (size_t at = 0; at + 8 <= size; at += 8) {
		memcpy(&word, data + at, 8);
		if (!(word & 1))
			continue;
		hash = hash_word(pairs, word);
		pairs->bits[hash / 8] |= 1 << hash % 8;
	}
}

static bool pairs_make(struct pairs *pairs, const struct image *image)
{
	int bits = 16;

	while ((size_t)1 << bits < image_bytes(image) / 8 * PAIR_BITS_EACH)
		bits++;
	pairs->shift = 64 - bits;
	pairs->bits = calloc(1, (size_t)1 << (bits - 3));
	for (size_t i = 0; pairs->bits && i < image->count; i++)
		remember(pairs, image->segments[i].data, image->segments[i].size);
	return pairs->bits;
}

/* The other prime's lowest word follows from this one's: is it anywhere? */
static bool has_pair(const struct pairs *pairs, const struct target *t, uint64_t word)
{
	uint64_t inverse = word;	/* right in 3 bits, twice as many each time */
	uint64_t hash;

	for (int i = 0; i < 5; i++)
		inverse *= 2 - word * inverse;
	hash = hash_word(pairs, t->n0 * inverse);
	return pairs->bits[hash / 8] >> hash % 8 & 1;
}

/* As OpenSSL holds it: words, the lowest first */
static bool scan_words(const uint8_t *data, size_t size, uint64_t va,
		       const struct target *t, const struct pairs *pairs,
		       struct loot *l)
{
	size_t len = t->prime_bytes;

	for (size_t at = 0; at + len <= size; at += 8) {
		const uint8_t *bytes = data + at;
		uint64_t word;

		if (!(bytes[0] & 1) || bytes[len - 1] < TOP_MIN)
			continue;
		memcpy(&word, bytes, 8);
		if (pairs->bits && !has_pair(pairs, t, word))
			continue;
		if (!few_zeros(bytes, len) || !try_prime(bytes, true, t, l))
			continue;
		snprintf(l->how, sizeof(l->how),
			 "a prime in the clear at 0x%" PRIx64 ", in OpenSSL's form", va + at);
		return true;
	}
	return false;
}

/* As it crosses the agent's socket: length, a zero, the highest byte first */
static bool scan_serialized(const uint8_t *data, size_t size, uint64_t va,
			    const struct target *t, struct loot *l)
{
	size_t len = t->prime_bytes;
	const uint8_t mark[5] = { 0, 0, (len + 1) >> 8, (len + 1) & 0xff, 0 };
	const uint8_t *at = data, *end = data + size;

	while ((at = memmem(at, end - at, mark, sizeof(mark)))) {
		at += sizeof(mark);
		if ((size_t)(end - at) < len)
			break;
		if (at[0] < TOP_MIN || !(at[len - 1] & 1) || !few_zeros(at, len) ||
		    !try_prime(at, false, t, l))
			continue;
		snprintf(l->how, sizeof(l->how),
			 "a prime in the clear at 0x%" PRIx64 ", in the form of SSH's messages",
			 va + (at - data));
		return true;
	}
	return false;
}

static bool scan(const uint8_t *data, size_t size, uint64_t va,
		 const struct target *t, const struct pairs *pairs, struct loot *l)
{
	return scan_words(data, size, va, t, pairs, l) ||
	       scan_serialized(data, size, va, t, l);
}

/**
 * primes_search() - search an image
 * @image: the memory
 * @t: public half
 * @both: expect both primes, as in an agent that signs: that is faster; large
 *	images are searched so anyway
 * @l: what to fill in
 *
 * Return: whether a prime was found.
 */
bool primes_search(const struct image *image, const struct target *t, bool both,
		   struct loot *l)
{
	struct pairs pairs = { NULL, 0 };
	bool found = false;

	if ((both || image_bytes(image) > SMALL) && !pairs_make(&pairs, image))
		return false;
	for (size_t i = 0; i < image->count && !found; i++) {
		const struct segment *s = &image->segments[i];

		found = scan(s->data, s->size, s->va, t, &pairs, l);
	}
	free(pairs.bits);
	return found;
}

/**
 * primes_search_flat() - search physical memory
 * @data: all of it
 * @size: bytes
 * @t: public half
 * @l: what to fill in
 *
 * One prime alone suffices here: what was freed comes in fragments.
 *
 * Return: whether a prime was found.
 */
bool primes_search_flat(const uint8_t *data, size_t size,
			const struct target *t, struct loot *l)
{
	struct pairs none = { NULL, 0 };
	size_t at = 0, end;

	while (data_next(data, size, &at, &end)) {
		if (scan(data + at, end - at, at, t, &none, l))
			return true;
		at = end;
	}
	return false;
}
