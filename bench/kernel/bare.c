// SPDX-License-Identifier: GPL-2.0-only
/*
 * bare: what the ciphers themselves cost here. Loading it encrypts and decrypts
 * a page with each, interrupts off, and prints a JSON object for each into the
 * kernel log; it then refuses to stay. Only for bench/run.
 *
 * The least of some runs is taken: in an --icount guest they differ by what
 * the first of them has to set up.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <crypto/aead.h>
#include <crypto/skcipher.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#define RUNS		20
#define TAG_SIZE	16

/**
 * struct bare - what is needed for one cipher
 * @aead: the transform, or NULL
 * @skcipher: else this one
 * @req: its request
 * @plain: a page
 * @code: another one, and the tag behind it
 * @tag: of the page
 * @iv: whatever the cipher wants
 */
struct bare {
	struct crypto_aead *aead;
	struct crypto_skcipher *skcipher;
	void *req;
	struct scatterlist plain[2];
	struct scatterlist code[2];
	u8 *tag;
	u8 iv[16];
};

static int bare_call(struct bare *b, bool encrypt, bool in_place)
{
	struct scatterlist *from = encrypt && !in_place ? b->plain : b->code;
	struct scatterlist *to = encrypt || in_place ? b->code : b->plain;

	if (b->aead) {
		aead_request_set_crypt(b->req, from, to, PAGE_SIZE +
				       (encrypt ? 0 : TAG_SIZE), b->iv);
		return encrypt ? crypto_aead_encrypt(b->req) :
				 crypto_aead_decrypt(b->req);
	}
	skcipher_request_set_crypt(b->req, from, to, PAGE_SIZE, b->iv);
	return encrypt ? crypto_skcipher_encrypt(b->req) :
			 crypto_skcipher_decrypt(b->req);
}

static u64 bare_time(struct bare *b, bool encrypt, bool in_place)
{
	u64 least = U64_MAX, ns;
	unsigned long flags;
	int i, err = 0;

	for (i = 0; i < RUNS && !err; i++) {
		/* What is decrypted must have been encrypted just before. */
		memset(b->iv, 0, sizeof(b->iv));
		if (!encrypt)
			bare_call(b, true, in_place);
		memset(b->iv, 0, sizeof(b->iv));
		local_irq_save(flags);
		ns = ktime_get_mono_fast_ns();
		err = bare_call(b, encrypt, in_place);
		ns = ktime_get_mono_fast_ns() - ns;
		local_irq_restore(flags);
		least = min(least, ns);
	}
	return err ? 0 : least;
}

static int bare_setup(struct bare *b, const char *name, unsigned int key_size)
{
	u8 key[32];
	int err;

	get_random_bytes(key, sizeof(key));
	b->aead = crypto_alloc_aead(name, 0, 0);
	if (!IS_ERR(b->aead)) {
		err = crypto_aead_setkey(b->aead, key, key_size) ?:
		      crypto_aead_setauthsize(b->aead, TAG_SIZE);
		b->req = aead_request_alloc(b->aead, GFP_KERNEL);
		if (!b->req)
			return -ENOMEM;
		aead_request_set_callback(b->req, 0, NULL, NULL);
		aead_request_set_ad(b->req, 0);
		return err;
	}
	b->aead = NULL;
	b->skcipher = crypto_alloc_skcipher(name, 0, 0);
	if (IS_ERR(b->skcipher)) {
		err = PTR_ERR(b->skcipher);
		b->skcipher = NULL;
		return err;
	}
	err = crypto_skcipher_setkey(b->skcipher, key, key_size);
	b->req = skcipher_request_alloc(b->skcipher, GFP_KERNEL);
	if (!b->req)
		return -ENOMEM;
	skcipher_request_set_callback(b->req, 0, NULL, NULL);
	return err;
}

static void bare_cipher(const char *name, unsigned int key_size,
			struct page *plain, struct page *code)
{
	struct bare *b = kzalloc(sizeof(*b), GFP_KERNEL);
	int err;

	if (!b)
		return;
	b->tag = kmalloc(TAG_SIZE, GFP_KERNEL);
	err = b->tag ? bare_setup(b, name, key_size) : -ENOMEM;
	if (err) {
		pr_info("%s: not here (%d)\n", name, err);
		goto out;
	}
	sg_init_table(b->plain, 1);
	sg_set_page(b->plain, plain, PAGE_SIZE, 0);
	sg_init_table(b->code, b->aead ? 2 : 1);
	sg_set_page(b->code, code, PAGE_SIZE, 0);
	if (b->aead)
		sg_set_buf(b->code + 1, b->tag, TAG_SIZE);
	pr_info("{\"what\": \"bare\", \"cipher\": \"%s\", \"driver\": \"%s\", \"encrypt\": %llu, \"decrypt\": %llu, \"encrypt_in_place\": %llu, \"decrypt_in_place\": %llu}\n",
		name,
		b->aead ? crypto_tfm_alg_driver_name(crypto_aead_tfm(b->aead)) :
		crypto_tfm_alg_driver_name(crypto_skcipher_tfm(b->skcipher)),
		bare_time(b, true, false), bare_time(b, false, false),
		bare_time(b, true, true), bare_time(b, false, true));
out:
	kfree(b->req);
	if (b->aead)
		crypto_free_aead(b->aead);
	if (b->skcipher)
		crypto_free_skcipher(b->skcipher);
	kfree(b->tag);
	kfree(b);
}

static void bare_page(struct page *page, struct page *other)
{
	u64 clear = U64_MAX, copy = U64_MAX, clock = U64_MAX, t, u, v, w;
	int i;

	for (i = 0; i < RUNS; i++) {
		t = ktime_get_mono_fast_ns();
		u = ktime_get_mono_fast_ns();
		clear_page(page_address(page));
		v = ktime_get_mono_fast_ns();
		copy_page(page_address(page), page_address(other));
		w = ktime_get_mono_fast_ns();
		clock = min(clock, u - t);
		clear = min(clear, v - u);
		copy = min(copy, w - v);
	}
	pr_info("{\"what\": \"page\", \"clear\": %llu, \"copy\": %llu, \"clock\": %llu}\n",
		clear, copy, clock);
}

static int __init bare_init(void)
{
	struct page *plain = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct page *code = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (plain && code) {
		bare_cipher("gcm(aes)", 16, plain, code);
		bare_cipher("aegis128", 16, plain, code);
		bare_cipher("cbc(aes)", 16, plain, code);
		bare_cipher("rfc7539(chacha20,poly1305)", 32, plain, code);
		bare_page(plain, code);
	}
	if (plain)
		__free_page(plain);
	if (code)
		__free_page(code);
	/* Done: it need not be unloaded. */
	return -ECANCELED;
}
module_init(bare_init);

MODULE_DESCRIPTION("What the ciphers themselves cost");
MODULE_LICENSE("GPL");
