/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * key: the RSA key that is being stolen. What everybody knows of it (target),
 * and what an attack found (loot).
 */
#ifndef EXTRACT_KEY_H
#define EXTRACT_KEY_H

#include <openssl/bn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_BYTES	16

/**
 * struct target - the public half, known to the attacker
 * @n: modulus
 * @e: public exponent
 * @prime_bytes: size of each prime
 * @n0: the modulus's lowest 64 bits
 * @head: how OpenSSH's serialized private key begins: all public
 */
struct target {
	BIGNUM *n, *e;
	size_t prime_bytes;
	uint64_t n0;
	uint8_t head[HEAD_BYTES];
};

/**
 * struct loot - a private key that was recovered
 * @d: private exponent
 * @p: first prime
 * @q: second prime
 * @blob_va: where the shielded key was, 0 if it was not found that way
 * @blob_len: its bytes
 * @prekey_va: where what it was shielded with was
 * @how: how it was found, for people
 */
struct loot {
	BIGNUM *d, *p, *q;
	uint64_t blob_va, blob_len, prekey_va;
	char how[240];
};

bool target_load(struct target *t, const char *public_file);
bool reference_load(struct loot *l, const struct target *t,
		    const char *private_file);

bool loot_from_prime(struct loot *l, const struct target *t, const BIGNUM *p);
bool loot_from_serialized(struct loot *l, const struct target *t,
			  const uint8_t *buf, size_t len);
const char *loot_doubt(const struct loot *l, const struct target *t);
bool loot_write(const struct loot *l, const struct target *t, const char *path);
void loot_print(const struct loot *l, const struct target *t);
void loot_clear(struct loot *l);

#endif
