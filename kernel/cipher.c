// SPDX-License-Identifier: GPL-2.0-only
/*
 * cipher: see cipher.h.
 *
 * Two kinds of transform serve the same two calls. An AEAD (gcm(aes),
 * aegis128) takes the nonce as its IV and yields a tag. cbc(aes), kept to
 * reproduce the paper's table 2, has no tag and detects no tampering: there the
 * nonce is encrypted as a block of its own in front of the page, and its
 * ciphertext, kept in the tag's place, is what the page is chained from.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <crypto/aead.h>
#include <crypto/skcipher.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <asm/simd.h>

#include "cipher.h"
#include "selftest.h"

/**
 * struct cm_cipher_ctx - the scratch of one encryption, never on the stack
 * @text: the plaintext
 * @code: the ciphertext
 * @iv: nonce, as the cipher takes it
 * @block: first block of a cbc message
 * @req: the crypto API's request, of the size that the driver wants
 */
struct cm_cipher_ctx {
	struct scatterlist text[2];
	struct scatterlist code[2];
	u8 iv[CM_TAG_SIZE];
	u8 block[CM_TAG_SIZE];
	void *req;
};

static struct cm_cipher_use cm_use;

static LIST_HEAD(cm_keys);
static DEFINE_SPINLOCK(cm_keys_lock);

static int cm_cipher_set_key(struct cm_key *key, const u8 *bytes)
{
	if (cm_use.cipher->aead)
		return crypto_aead_setkey(key->tfm, bytes, CM_KEY_SIZE);
	return crypto_skcipher_setkey(key->tfm, bytes, CM_KEY_SIZE);
}

static struct cm_key *cm_cipher_key_make(const u8 *bytes)
{
	struct cm_key *key = kzalloc(sizeof(*key), GFP_KERNEL_ACCOUNT);
	int err;

	if (!key)
		return ERR_PTR(-ENOMEM);
	refcount_set(&key->ref, 1);
	if (cm_use.cipher->aead)
		key->tfm = crypto_alloc_aead(cm_use.driver, 0, 0);
	else
		key->tfm = crypto_alloc_skcipher(cm_use.driver, 0, 0);
	if (IS_ERR(key->tfm)) {
		err = PTR_ERR(key->tfm);
		kfree(key);
		return ERR_PTR(err);
	}
	spin_lock(&cm_keys_lock);
	list_add(&key->all, &cm_keys);
	spin_unlock(&cm_keys_lock);
	err = cm_cipher_set_key(key, bytes);
	if (!err && cm_use.cipher->aead)
		err = crypto_aead_setauthsize(key->tfm, CM_TAG_SIZE);
	if (err) {
		cm_cipher_key_put(key);
		return ERR_PTR(err);
	}
	return key;
}

/**
 * cm_cipher_key_create() - make a key from the kernel's CSPRNG
 *
 * Context: process context, may sleep. That the CSPRNG has been seeded, whoever
 * opens the device has waited for.
 * Return: the key with one reference, or ERR_PTR(-ENOMEM), or what the crypto API
 * says.
 */
struct cm_key *cm_cipher_key_create(void)
{
	u8 bytes[CM_KEY_SIZE];
	struct cm_key *key;

	get_random_bytes(bytes, sizeof(bytes));
	key = cm_cipher_key_make(bytes);
	memzero_explicit(bytes, sizeof(bytes));
	return key;
}

/**
 * cm_cipher_key_put() - let go of a key; the last one wipes it
 * @key: the key
 *
 * Context: process context, may sleep (the crypto API zeroes and frees).
 */
void cm_cipher_key_put(struct cm_key *key)
{
	if (!refcount_dec_and_test(&key->ref))
		return;
	spin_lock(&cm_keys_lock);
	list_del(&key->all);
	spin_unlock(&cm_keys_lock);
	if (cm_use.cipher->aead)
		crypto_free_aead(key->tfm);
	else
		crypto_free_skcipher(key->tfm);
	kfree_sensitive(key);
}

/**
 * cm_cipher_wipe_keys() - have no key left in memory: all become zero
 *
 * Through the driver, as only it knows where it keeps what it made of a key.
 *
 * Context: any, when no other CPU runs any more. Takes no lock: whoever holds it
 * has been stopped. The driver of gcm_base allocates for it; where it cannot, what
 * it made of the key for GHASH stays, and where a CPU that was stopped holds the
 * allocator's lock, it is waited for in vain.
 */
void cm_cipher_wipe_keys(void)
{
	static const u8 zero[CM_KEY_SIZE] __aligned(16);
	struct cm_key *key;

	list_for_each_entry(key, &cm_keys, all)
		cm_cipher_set_key(key, zero);
}

/**
 * cm_cipher_ctx_alloc() - make the scratch for encryptions
 * @gfp: how to allocate
 *
 * Context: as @gfp says.
 * Return: the scratch, or NULL. It serves every key, one call at a time.
 */
struct cm_cipher_ctx *cm_cipher_ctx_alloc(gfp_t gfp)
{
	struct cm_cipher_ctx *ctx = kzalloc(sizeof(*ctx), gfp);

	if (!ctx)
		return NULL;
	if (cm_use.cipher->aead)
		ctx->req = aead_request_alloc(cm_use.anchor->tfm, gfp);
	else
		ctx->req = skcipher_request_alloc(cm_use.anchor->tfm, gfp);
	if (!ctx->req) {
		kfree(ctx);
		return NULL;
	}
	return ctx;
}

/**
 * cm_cipher_ctx_free() - wipe and free the scratch
 * @ctx: the scratch, or NULL
 *
 * Context: any in which kfree() may be called.
 */
void cm_cipher_ctx_free(struct cm_cipher_ctx *ctx)
{
	if (!ctx)
		return;
	if (cm_use.cipher->aead)
		aead_request_free(ctx->req);
	else
		skcipher_request_free(ctx->req);
	kfree_sensitive(ctx);
}

static int cm_cipher_aead(struct cm_cipher_ctx *ctx, struct cm_key *key,
			  struct page *plain, struct page *sealed, u8 *tag,
			  bool encrypt)
{
	struct aead_request *req = ctx->req;
	struct scatterlist *code = ctx->code, *text = ctx->code;

	sg_init_table(code, 2);
	sg_set_page(code, sealed, PAGE_SIZE, 0);
	sg_set_buf(code + 1, tag, CM_TAG_SIZE);
	/* In place is what drivers see by the list being the same. */
	if (plain != sealed) {
		text = ctx->text;
		sg_init_table(text, 1);
		sg_set_page(text, plain, PAGE_SIZE, 0);
	}

	aead_request_set_tfm(req, key->tfm);
	aead_request_set_callback(req, 0, NULL, NULL);
	aead_request_set_ad(req, 0);
	aead_request_set_crypt(req, encrypt ? text : code,
			       encrypt ? code : text,
			       PAGE_SIZE + (encrypt ? 0 : CM_TAG_SIZE),
			       ctx->iv);
	return encrypt ? crypto_aead_encrypt(req) : crypto_aead_decrypt(req);
}

static int cm_cipher_cbc(struct cm_cipher_ctx *ctx, struct cm_key *key,
			 struct page *plain, struct page *sealed, u8 *tag,
			 bool encrypt)
{
	struct skcipher_request *req = ctx->req;
	unsigned int len = PAGE_SIZE;

	if (encrypt) {
		/* The encrypted nonce, left in the tag, chains the page. */
		memcpy(ctx->block, ctx->iv, sizeof(ctx->block));
		memset(ctx->iv, 0, sizeof(ctx->iv));
		sg_init_table(ctx->text, 2);
		sg_set_buf(ctx->text, ctx->block, sizeof(ctx->block));
		sg_set_page(ctx->text + 1, plain, PAGE_SIZE, 0);
		sg_init_table(ctx->code, 2);
		sg_set_buf(ctx->code, tag, CM_TAG_SIZE);
		sg_set_page(ctx->code + 1, sealed, PAGE_SIZE, 0);
		len += CM_TAG_SIZE;
	} else {
		memcpy(ctx->iv, tag, sizeof(ctx->iv));
		sg_init_table(ctx->code, 1);
		sg_set_page(ctx->code, sealed, PAGE_SIZE, 0);
		sg_init_table(ctx->text, 1);
		sg_set_page(ctx->text, plain, PAGE_SIZE, 0);
	}
	skcipher_request_set_tfm(req, key->tfm);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	skcipher_request_set_crypt(req, encrypt ? ctx->text : ctx->code,
				   encrypt ? ctx->code : ctx->text, len,
				   ctx->iv);
	return encrypt ? crypto_skcipher_encrypt(req) :
			 crypto_skcipher_decrypt(req);
}

static void cm_cipher_set_nonce(struct cm_cipher_ctx *ctx, u64 nonce)
{
	__le64 le = cpu_to_le64(nonce);

	memset(ctx->iv, 0, sizeof(ctx->iv));
	memcpy(ctx->iv, &le, sizeof(le));
}

/**
 * cm_cipher_encrypt() - encrypt a page under a nonce never used before
 * @ctx: scratch that nobody else uses meanwhile
 * @key: the key
 * @plain: the page to read
 * @sealed: the page to write; may be the same
 * @nonce: out: the nonce, never 0
 * @tag: out: CM_TAG_SIZE bytes, directly mapped memory
 *
 * Context: process context, the scheduler's hooks, or a softirq when
 * cm_cipher_may_run() says so. Does not sleep, takes no locks.
 * Return: 0, or a negative errno of the driver: @sealed is of no use then, and
 * if it is @plain, it may hold some plaintext.
 */
int cm_cipher_encrypt(struct cm_cipher_ctx *ctx, struct cm_key *key,
		      struct page *plain, struct page *sealed, u64 *nonce,
		      u8 *tag)
{
	*nonce = atomic64_inc_return(&key->nonce);
	cm_cipher_set_nonce(ctx, *nonce);
	if (cm_use.cipher->aead)
		return cm_cipher_aead(ctx, key, plain, sealed, tag, true);
	return cm_cipher_cbc(ctx, key, plain, sealed, tag, true);
}

/**
 * cm_cipher_decrypt() - decrypt a page
 * @ctx: scratch that nobody else uses meanwhile
 * @key: the key it was sealed with
 * @plain: the page to write; wiped when this fails
 * @sealed: the page to read; may be the same
 * @nonce: the nonce it was sealed with
 * @tag: the tag it was sealed with
 *
 * Context: as cm_cipher_encrypt().
 * Return: 0, -EBADMSG when @sealed is not what was sealed, or another negative
 * errno of the driver.
 */
int cm_cipher_decrypt(struct cm_cipher_ctx *ctx, struct cm_key *key,
		      struct page *plain, struct page *sealed, u64 nonce,
		      const u8 *tag)
{
	int err;

	cm_cipher_set_nonce(ctx, nonce);
	if (cm_use.cipher->aead)
		err = cm_cipher_aead(ctx, key, plain, sealed, (u8 *)tag, false);
	else
		err = cm_cipher_cbc(ctx, key, plain, sealed, (u8 *)tag, false);
	if (err)
		clear_page(page_address(plain));
	return err;
}

/**
 * cm_cipher_name() - the crypto API's name of the cipher in use
 *
 * Return: a string that lives as long as the module.
 */
const char *cm_cipher_name(void)
{
	return cm_use.cipher->name;
}

/**
 * cm_cipher_authenticated() - whether tampering is detected
 *
 * Return: true for an AEAD.
 */
bool cm_cipher_authenticated(void)
{
	return cm_use.cipher->aead;
}

/**
 * cm_cipher_may_run() - whether a softirq may encrypt now
 *
 * Not while it has interrupted somebody who uses the vector registers. The
 * scheduler's hooks never do.
 *
 * Context: any.
 * Return: whether cm_cipher_encrypt() may be called.
 */
bool cm_cipher_may_run(void)
{
	return cm_use.scalar || may_use_simd();
}

/* Some machines lend vector registers to the kernel with interrupts on only. */
static bool cm_cipher_may_use_simd(void)
{
	unsigned long flags;
	bool may;

	local_irq_save(flags);
	may = may_use_simd();
	local_irq_restore(flags);
	return may;
}

/*
 * Ask which driver serves the cipher, and look through the wrappers that any
 * user can put around it, and that put work off to threads. A driver that takes
 * SIMD for granted would stop a kernel in which it is not to be had: such a one
 * must not even be tested.
 */
static int cm_cipher_find_driver(void)
{
	static const char * const wrappers[] = { "pcrypt(", "cryptd(" };
	struct cm_key *key;
	unsigned int i;
	size_t len;

	cm_use.scalar = !cm_cipher_may_use_simd();
	if (cm_use.scalar) {
		strscpy(cm_use.driver, cm_use.cipher->scalar,
			sizeof(cm_use.driver));
		pr_info("%s: no SIMD with interrupts off on this machine: served by %s\n",
			cm_use.cipher->name, cm_use.driver);
		return 0;
	}
	strscpy(cm_use.driver, cm_use.cipher->name, sizeof(cm_use.driver));
	key = cm_cipher_key_create();
	if (IS_ERR(key))
		return PTR_ERR(key);
	strscpy(cm_use.driver,
		crypto_tfm_alg_driver_name(cm_use.cipher->aead ?
					   crypto_aead_tfm(key->tfm) :
					   crypto_skcipher_tfm(key->tfm)),
		sizeof(cm_use.driver));
	cm_cipher_key_put(key);
	for (i = 0; i < ARRAY_SIZE(wrappers); i++) {
		while (str_has_prefix(cm_use.driver, wrappers[i])) {
			len = strlen(cm_use.driver) - strlen(wrappers[i]);
			memmove(cm_use.driver,
				cm_use.driver + strlen(wrappers[i]), len);
			cm_use.driver[len - 1] = '\0';
			i = 0;
		}
	}
	return 0;
}

/**
 * cm_cipher_take() - take up a cipher, and prove it on this machine
 * @c: the cipher
 *
 * Context: process context, may sleep and load modules. None is in use.
 * Return: 0, -ENOENT when the kernel lacks it, -ENOMEM, or -EIO when a self-test
 * fails. After an error none is in use.
 */
int cm_cipher_take(const struct cm_cipher *c)
{
	int err;

	cm_use.cipher = c;
	err = cm_cipher_find_driver();
	if (err)
		return err;
	err = cm_selftest_known_answer(c->name, cm_use.driver);
	if (err)
		return err;
	cm_use.anchor = cm_cipher_key_create();
	if (IS_ERR(cm_use.anchor)) {
		err = PTR_ERR(cm_use.anchor);
		cm_use.anchor = NULL;
		return err;
	}
	err = cm_selftest_page(cm_use.anchor, c->aead);
	/* Work in flight still owns the transform: let it be. */
	if (err == -EINPROGRESS)
		cm_use.anchor = NULL;
	else if (err)
		cm_cipher_drop();
	return err;
}

/**
 * cm_cipher_drop() - use it no longer; no key may be left
 *
 * Context: process context, may sleep.
 */
void cm_cipher_drop(void)
{
	if (cm_use.anchor)
		cm_cipher_key_put(cm_use.anchor);
	cm_use.anchor = NULL;
}

/**
 * cm_cipher_swap() - exchange the cipher in use for another
 * @use: in: one that cm_cipher_take() took up before, or all zero: none;
 *	out: the one that was in use
 *
 * Not taken up again: by now another driver might answer to its name.
 *
 * Context: any, while nobody else uses it.
 */
void cm_cipher_swap(struct cm_cipher_use *use)
{
	swap(*use, cm_use);
}

/**
 * cm_cipher_speed() - time the cipher in use
 *
 * Context: process context.
 * Return: ns to seal and unseal a page.
 */
u64 cm_cipher_speed(void)
{
	return cm_selftest_speed(cm_use.anchor);
}
