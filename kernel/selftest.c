// SPDX-License-Identifier: GPL-2.0-only
/*
 * selftest: published known answers through the same transforms that we use,
 * then a page there and back the way a context switch does it: raw lock held,
 * interrupts off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": self-test: " fmt

#include <crypto/aead.h>
#include <crypto/skcipher.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "cipher.h"
#include "selftest.h"

#define CM_BLOCK	16

/* Enough for one to go by undisturbed; a millisecond, with a slow cipher. */
#define CM_SPEED_ROUNDS	32

/**
 * struct cm_known_answer - one published test vector, one block long
 * @cipher: the crypto API's name
 * @aead: whether @tag counts
 * @key: key
 * @iv: initialisation vector, as long as the cipher wants
 * @text: plaintext
 * @code: ciphertext
 * @tag: authentication tag
 */
struct cm_known_answer {
	const char *cipher;
	bool aead;
	u8 key[CM_BLOCK];
	u8 iv[CM_BLOCK];
	u8 text[CM_BLOCK];
	u8 code[CM_BLOCK];
	u8 tag[CM_BLOCK];
};

static const struct cm_known_answer cm_known_answers[] = {
	{
		/* McGrew and Viega, The Galois/Counter Mode, test case 2 */
		.cipher = "gcm(aes)",
		.aead = true,
		.code = { 0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92,
			  0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78 },
		.tag = { 0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd,
			 0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57, 0xbd, 0xdf },
	},
	{
		/* the AEGIS-128 vector of the kernel's own test manager */
		.cipher = "aegis128",
		.aead = true,
		.key = { 0xc4, 0x37, 0x3b, 0x45, 0x74, 0x11, 0xa4, 0xda,
			 0xa2, 0xc5, 0x42, 0xd8, 0xec, 0x36, 0x78, 0x94 },
		.iv = { 0xd3, 0x00, 0xc9, 0xad, 0xb8, 0xb0, 0x4e, 0x61,
			0xc3, 0xfb, 0x6f, 0xfd, 0xea, 0xff, 0xa9, 0x15 },
		.text = { 0xf2, 0x92, 0xe6, 0x7d, 0x40, 0xee, 0xa3, 0x6f,
			  0x03, 0x68, 0xc8, 0x45, 0xe7, 0x91, 0x0a, 0x18 },
		.code = { 0x23, 0x25, 0x30, 0xe5, 0x6a, 0xb6, 0x36, 0x7d,
			  0x38, 0xfd, 0x3a, 0xd2, 0xc2, 0x58, 0xa9, 0x11 },
		.tag = { 0x1e, 0xa8, 0x30, 0x9c, 0x16, 0xa4, 0xdb, 0x65,
			 0x51, 0x10, 0x16, 0x27, 0x70, 0x9b, 0x64, 0x29 },
	},
	{
		/* NIST SP 800-38A, F.2.1 */
		.cipher = "cbc(aes)",
		.key = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
			 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c },
		.iv = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
			0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f },
		.text = { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
			  0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a },
		.code = { 0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46,
			  0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d },
	},
};

/* A driver that answers later cannot serve a context switch. */
static int cm_selftest_at_once(int err, struct crypto_wait *wait)
{
	if (err != -EINPROGRESS && err != -EBUSY)
		return err;
	crypto_wait_req(err, wait);
	return -EOPNOTSUPP;
}

static int cm_selftest_aead(const struct cm_known_answer *ka,
			    const char *driver, u8 *buf)
{
	struct crypto_aead *tfm = crypto_alloc_aead(driver, 0, 0);
	struct aead_request *req = NULL;
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_aead_setkey(tfm, ka->key, CM_BLOCK);
	if (!err)
		err = crypto_aead_setauthsize(tfm, CM_BLOCK);
	if (!err)
		req = aead_request_alloc(tfm, GFP_KERNEL);
	if (!err && !req)
		err = -ENOMEM;
	if (!err) {
		/* buf: one block and its tag, then the IV */
		memcpy(buf + 2 * CM_BLOCK, ka->iv, CM_BLOCK);
		sg_init_one(&sg, buf, 2 * CM_BLOCK);
		aead_request_set_callback(req, CRYPTO_TFM_REQ_MAY_SLEEP,
					  crypto_req_done, &wait);
		aead_request_set_ad(req, 0);
		aead_request_set_crypt(req, &sg, &sg, CM_BLOCK,
				       buf + 2 * CM_BLOCK);
		err = cm_selftest_at_once(crypto_aead_encrypt(req), &wait);
	}
	aead_request_free(req);
	crypto_free_aead(tfm);
	return err;
}

static int cm_selftest_skcipher(const struct cm_known_answer *ka,
				const char *driver, u8 *buf)
{
	struct crypto_skcipher *tfm = crypto_alloc_skcipher(driver, 0, 0);
	struct skcipher_request *req = NULL;
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_skcipher_setkey(tfm, ka->key, CM_BLOCK);
	if (!err)
		req = skcipher_request_alloc(tfm, GFP_KERNEL);
	if (!err && !req)
		err = -ENOMEM;
	if (!err) {
		memcpy(buf + 2 * CM_BLOCK, ka->iv, CM_BLOCK);
		sg_init_one(&sg, buf, CM_BLOCK);
		skcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_SLEEP,
					      crypto_req_done, &wait);
		skcipher_request_set_crypt(req, &sg, &sg, CM_BLOCK,
					   buf + 2 * CM_BLOCK);
		err = cm_selftest_at_once(crypto_skcipher_encrypt(req), &wait);
	}
	skcipher_request_free(req);
	crypto_free_skcipher(tfm);
	return err;
}

/**
 * cm_selftest_known_answer() - encrypt a published block and compare
 * @cipher: the crypto API's name of a cipher that we offer
 * @driver: the driver that is to serve it
 *
 * Context: process context, may sleep and load modules.
 * Return: 0, -ENOENT or another errno when the kernel cannot provide it,
 * -EOPNOTSUPP when it answers later, -EIO when the answer is wrong.
 */
int cm_selftest_known_answer(const char *cipher, const char *driver)
{
	const struct cm_known_answer *ka = cm_known_answers;
	u8 *buf;
	int err;

	while (strcmp(ka->cipher, cipher))
		ka++;
	buf = kzalloc(3 * CM_BLOCK, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, ka->text, CM_BLOCK);
	err = ka->aead ? cm_selftest_aead(ka, driver, buf) :
			 cm_selftest_skcipher(ka, driver, buf);
	if (err) {
		pr_err("%s: driver %s cannot serve (%d)\n", cipher, driver, err);
	} else if (memcmp(buf, ka->code, CM_BLOCK) ||
		   (ka->aead && memcmp(buf + CM_BLOCK, ka->tag, CM_BLOCK))) {
		pr_err("%s: wrong answer to a known question\n", cipher);
		err = -EIO;
	}
	kfree(buf);
	return err;
}

static int cm_selftest_there_and_back(struct cm_cipher_ctx *ctx,
				      struct cm_key *key, struct page **page,
				      u8 *tag, bool authenticated)
{
	u8 *plain = page_address(page[0]);
	u8 *sealed = page_address(page[1]);
	u8 *back = page_address(page[2]);
	u64 nonce;
	int err;

	memset(plain, 0x5a, PAGE_SIZE);
	err = cm_cipher_encrypt(ctx, key, page[0], page[1], &nonce, tag);
	if (err)
		return err;
	if (!memcmp(plain, sealed, CM_BLOCK))
		return -EIO;
	err = cm_cipher_decrypt(ctx, key, page[2], page[1], nonce, tag);
	if (err)
		return err;
	if (memcmp(plain, back, PAGE_SIZE))
		return -EIO;
	/* In place, under the next nonce. */
	err = cm_cipher_encrypt(ctx, key, page[2], page[2], &nonce, tag);
	if (err)
		return err;
	if (!memcmp(plain, back, CM_BLOCK) || !memcmp(sealed, back, CM_BLOCK))
		return -EIO;
	memcpy(sealed, back, PAGE_SIZE);
	err = cm_cipher_decrypt(ctx, key, page[2], page[2], nonce, tag);
	if (err)
		return err;
	if (memcmp(plain, back, PAGE_SIZE))
		return -EIO;
	sealed[PAGE_SIZE / 2] ^= 1;
	err = cm_cipher_decrypt(ctx, key, page[2], page[1], nonce, tag);
	if (authenticated && err != -EBADMSG)
		return -EIO;
	return 0;
}

/**
 * struct cm_workshop - what a page is sealed with, for a test
 * @ctx: scratch
 * @page: pages
 * @tag: a tag
 */
struct cm_workshop {
	struct cm_cipher_ctx *ctx;
	struct page *page[3];
	u8 *tag;
};

static void cm_workshop_close(struct cm_workshop *w)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(w->page); i++)
		if (w->page[i])
			__free_page(w->page[i]);
	kfree(w->tag);
	cm_cipher_ctx_free(w->ctx);
}

static int cm_workshop_open(struct cm_workshop *w)
{
	bool all = true;
	unsigned int i;

	w->ctx = cm_cipher_ctx_alloc(GFP_KERNEL);
	w->tag = kmalloc(CM_TAG_SIZE, GFP_KERNEL);
	for (i = 0; i < ARRAY_SIZE(w->page); i++) {
		w->page[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		all &= !!w->page[i];
	}
	if (all && w->ctx && w->tag)
		return 0;
	cm_workshop_close(w);
	return -ENOMEM;
}

/**
 * cm_selftest_page() - seal, unseal and tamper with a page as a switch does it
 * @key: a key of the cipher to be tested
 * @authenticated: whether a changed ciphertext must be refused
 *
 * An answer of -EINPROGRESS would mean that the driver puts work off to a
 * thread, which a context switch cannot wait for.
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, or -EIO with a line in the log.
 */
int cm_selftest_page(struct cm_key *key, bool authenticated)
{
	static DEFINE_RAW_SPINLOCK(lock);
	struct cm_workshop w;
	unsigned long flags;
	int err;

	err = cm_workshop_open(&w);
	if (err)
		return err;
	raw_spin_lock_irqsave(&lock, flags);
	err = cm_selftest_there_and_back(w.ctx, key, w.page, w.tag,
					 authenticated);
	raw_spin_unlock_irqrestore(&lock, flags);
	if (err) {
		pr_err("a page did not come back with interrupts off (%d)\n",
		       err);
		/* Work in flight still owns the pages: let them be. */
		if (err == -EINPROGRESS || err == -EBUSY)
			return -EIO;
		err = -EIO;
	}
	cm_workshop_close(&w);
	return err;
}

/**
 * cm_selftest_speed() - how long a page takes to be sealed and unsealed in place
 * @key: a key of a cipher that passed its tests
 *
 * Context: process context, may sleep. Interrupts are off for a page at a time.
 * Return: nanoseconds, the best of several; U64_MAX when it cannot be told.
 */
u64 cm_selftest_speed(struct cm_key *key)
{
	u64 least = U64_MAX, ns, nonce;
	struct cm_workshop w;
	unsigned long flags;
	int i, err = 0;

	if (cm_workshop_open(&w))
		return least;
	for (i = 0; i < CM_SPEED_ROUNDS && !err; i++) {
		local_irq_save(flags);
		ns = ktime_get_mono_fast_ns();
		err = cm_cipher_encrypt(w.ctx, key, w.page[0], w.page[0],
					&nonce, w.tag) ?:
		      cm_cipher_decrypt(w.ctx, key, w.page[0], w.page[0],
					nonce, w.tag);
		ns = ktime_get_mono_fast_ns() - ns;
		local_irq_restore(flags);
		least = min(least, ns);
	}
	cm_workshop_close(&w);
	return err ? U64_MAX : least;
}
