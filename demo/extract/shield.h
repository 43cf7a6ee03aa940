/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shield: undoes what OpenSSH does to a private key that is not being used.
 *
 * Since 8.1 the agent keeps it "shielded": 16 KiB of random bytes, the prekey,
 * are hashed with SHA-512 into a key and an IV for AES-256-CTR, under which the
 * serialized private key is encrypted. That makes it hard to steal bit by bit
 * (Spectre, Rowhammer); who sees all of the memory has both halves.
 */
#ifndef EXTRACT_SHIELD_H
#define EXTRACT_SHIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREKEY_BYTES	((size_t)16384)

struct image;
struct loot;
struct target;

/**
 * struct shield - what struct sshkey ends with
 * @blob_va: shielded_private
 * @blob_len: shielded_len
 * @prekey_va: shield_prekey
 * @prekey_len: shield_prekey_len, 16384
 */
struct shield {
	uint64_t blob_va, blob_len, prekey_va, prekey_len;
};

bool shield_plausible(const struct shield *s);
bool shield_open(const struct image *image, const struct target *t,
		 const struct shield *s, struct loot *l);
bool shield_by_struct(const struct image *image, const struct target *t,
		      struct loot *l);
bool shield_by_noise(const struct image *image, const struct target *t,
		     struct loot *l);

#endif
