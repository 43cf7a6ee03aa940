/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cipher: turns a frame into ciphertext and back, one page at a time, with the
 * kernel's crypto API. Which cipher that is, choice.h says.
 *
 * Sealing happens under the run-queue lock with interrupts off, so a cipher is
 * accepted only if it answers at once in that state; the self-test at load
 * proves it on this machine before anybody can own a secret.
 *
 * A nonce is a counter of its key and never repeats under it. A cm_cipher_ctx
 * is used by one CPU at a time (the domain's raw lock), keys are read-only once
 * made.
 *
 * Locks: a spinlock for the list of all keys, innermost.
 */
#ifndef _CM_CIPHER_H
#define _CM_CIPHER_H

#include <linux/atomic.h>
#include <linux/crypto.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct page;
struct cm_cipher_ctx;

#define CM_KEY_SIZE	16
#define CM_TAG_SIZE	16

/**
 * struct cm_key - a key, somewhere in the crypto API's own memory
 * @ref: one for the domain that writes with it, one for each page sealed by it
 * @nonce: the last nonce used
 * @tfm: the keyed transform, of the kind the chosen cipher has
 * @all: in the list of all keys
 */
struct cm_key {
	refcount_t ref;
	atomic64_t nonce;
	void *tfm;
	struct list_head all;
};

/**
 * struct cm_cipher - what one of the ciphers we offer needs
 * @name: the crypto API's name, also the value of the parameter
 * @aead: authenticated, hence an AEAD transform; else an skcipher
 * @scalar: the driver that does without SIMD
 */
struct cm_cipher {
	const char *name;
	bool aead;
	const char *scalar;
};

/**
 * struct cm_cipher_use - a cipher as it is used on this machine
 * @cipher: the cipher
 * @scalar: the driver does without SIMD
 * @driver: the driver that passed the self-test. Keys are made by its name: a
 *	better one for the cipher's name may appear at any time (through AF_ALG
 *	any user can make one that answers later, from a thread)
 * @anchor: keeps the driver loaded, so that making a key never has to load
 *	modules
 */
struct cm_cipher_use {
	const struct cm_cipher *cipher;
	bool scalar;
	char driver[CRYPTO_MAX_ALG_NAME];
	struct cm_key *anchor;
};

int cm_cipher_take(const struct cm_cipher *c);
void cm_cipher_drop(void);
void cm_cipher_swap(struct cm_cipher_use *use);
u64 cm_cipher_speed(void);

const char *cm_cipher_name(void);
bool cm_cipher_may_run(void);
bool cm_cipher_authenticated(void);

struct cm_key *cm_cipher_key_create(void);
void cm_cipher_key_put(struct cm_key *key);

void cm_cipher_wipe_keys(void);

static inline struct cm_key *cm_cipher_key_get(struct cm_key *key)
{
	refcount_inc(&key->ref);
	return key;
}

struct cm_cipher_ctx *cm_cipher_ctx_alloc(gfp_t gfp);
void cm_cipher_ctx_free(struct cm_cipher_ctx *ctx);

int cm_cipher_encrypt(struct cm_cipher_ctx *ctx, struct cm_key *key,
		      struct page *plain, struct page *sealed, u64 *nonce,
		      u8 *tag);
int cm_cipher_decrypt(struct cm_cipher_ctx *ctx, struct cm_key *key,
		      struct page *plain, struct page *sealed, u64 nonce,
		      const u8 *tag);

#endif /* _CM_CIPHER_H */
