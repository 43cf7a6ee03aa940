// SPDX-License-Identifier: GPL-2.0-only
#include "key.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RSA_NAME	"ssh-rsa"
#define LINE_MAX_BYTES	8192

/* SSH's wire format: 32 bits of length, high byte first, then the bytes. */
struct wire {
	const uint8_t *at;
	size_t left;
};

static bool wire_string(struct wire *w, const uint8_t **bytes, size_t *len)
{
	size_t n;

	if (w->left < 4)
		return false;
	n = (size_t)w->at[0] << 24 | w->at[1] << 16 | w->at[2] << 8 | w->at[3];
	if (n > w->left - 4)
		return false;
	*bytes = w->at + 4;
	*len = n;
	w->at += 4 + n;
	w->left -= 4 + n;
	return true;
}

static BIGNUM *wire_number(struct wire *w)
{
	const uint8_t *bytes;
	size_t len;

	if (!wire_string(w, &bytes, &len))
		return NULL;
	return BN_bin2bn(bytes, len, NULL);
}

static bool wire_is_rsa(struct wire *w)
{
	const uint8_t *name;
	size_t len;

	return wire_string(w, &name, &len) && len == strlen(RSA_NAME) &&
	       !memcmp(name, RSA_NAME, len);
}

static bool target_parse(struct target *t, const uint8_t *blob, size_t len)
{
	struct wire w = { blob, len };
	uint8_t low[8] = { 0 };
	size_t bytes;

	if (!wire_is_rsa(&w))
		return false;
	t->e = wire_number(&w);
	t->n = wire_number(&w);
	if (!t->e || !t->n || BN_num_bits(t->n) < 1024 ||
	    BN_num_bits(t->n) % 128)
		return false;
	bytes = BN_num_bytes(t->n);
	t->prime_bytes = bytes / 2;

	for (int i = 0; i < 8; i++)
		low[i] = blob[len - 1 - i];
	memcpy(&t->n0, low, 8);

	/* The name, then the modulus: a length and a zero before its top bit */
	memcpy(t->head, "\0\0\0\7" RSA_NAME, 11);
	t->head[11] = (bytes + 1) >> 24;
	t->head[12] = (bytes + 1) >> 16;
	t->head[13] = (bytes + 1) >> 8;
	t->head[14] = bytes + 1;
	t->head[15] = 0;
	return true;
}

/**
 * target_load() - read a public key
 * @t: what to fill in
 * @public_file: OpenSSH's one line format
 *
 * Return: whether it is an RSA key that can be looked for.
 */
bool target_load(struct target *t, const char *public_file)
{
	char line[LINE_MAX_BYTES], *word;
	uint8_t blob[LINE_MAX_BYTES];
	FILE *f = fopen(public_file, "r");
	int len;

	if (!f)
		return false;
	word = fgets(line, sizeof(line), f);
	fclose(f);
	if (!word || strncmp(line, RSA_NAME " ", 8))
		return false;
	word = line + 8;
	word[strcspn(word, " \n")] = 0;
	len = EVP_DecodeBlock(blob, (uint8_t *)word, strlen(word));
	/* It counts the padding as bytes. */
	for (size_t end = strlen(word); len > 0 && end && word[end - 1] == '='; end--)
		len--;
	return len > 0 && target_parse(t, blob, len);
}

static bool get_number(EVP_PKEY *pkey, const char *name, BIGNUM **number)
{
	return EVP_PKEY_get_bn_param(pkey, name, number) > 0;
}

/**
 * reference_load() - read the true private key, to compare with
 * @l: what to fill in
 * @t: its public half
 * @private_file: PEM, not encrypted
 *
 * Return: whether that worked.
 */
bool reference_load(struct loot *l, const struct target *t,
		    const char *private_file)
{
	FILE *f = fopen(private_file, "r");
	EVP_PKEY *pkey;
	bool good;

	if (!f)
		return false;
	pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	if (!pkey)
		return false;
	memset(l, 0, sizeof(*l));
	good = get_number(pkey, OSSL_PKEY_PARAM_RSA_D, &l->d) &&
	       get_number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &l->p) &&
	       get_number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, &l->q);
	EVP_PKEY_free(pkey);
	return good && !loot_doubt(l, t);
}

/* lcm(p - 1, q - 1), into @lambda */
static bool find_lambda(BIGNUM *lambda, const struct loot *l, BN_CTX *ctx)
{
	BIGNUM *p1 = BN_dup(l->p), *q1 = BN_dup(l->q), *gcd = BN_new();
	bool good = p1 && q1 && gcd && BN_sub_word(p1, 1) && BN_sub_word(q1, 1) &&
		    BN_gcd(gcd, p1, q1, ctx) && BN_mul(lambda, p1, q1, ctx) &&
		    BN_div(lambda, NULL, lambda, gcd, ctx);

	BN_clear_free(p1);
	BN_clear_free(q1);
	BN_clear_free(gcd);
	return good;
}

/**
 * loot_from_prime() - the whole key from one prime
 * @l: what to fill in
 * @t: public half
 * @p: what may be a prime factor of it
 *
 * Return: whether it is one.
 */
bool loot_from_prime(struct loot *l, const struct target *t, const BIGNUM *p)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *q = BN_new(), *rest = BN_new(), *lambda = BN_new();
	bool good = BN_div(q, rest, t->n, p, ctx) && BN_is_zero(rest) &&
		    !BN_is_one(p) && !BN_is_one(q);

	BN_free(rest);
	if (good) {
		memset(l, 0, sizeof(*l));
		l->p = BN_dup(p);
		l->q = q;
		good = find_lambda(lambda, l, ctx);
		l->d = BN_mod_inverse(NULL, t->e, lambda, ctx);
		good = good && l->d;
	} else {
		BN_free(q);
	}
	BN_clear_free(lambda);
	BN_CTX_free(ctx);
	return good;
}

/**
 * loot_from_serialized() - the key as OpenSSH writes it before it shields it
 * @l: what to fill in
 * @t: public half, which it must belong to
 * @buf: name, n, e, d, 1/q mod p, p, q, maybe more behind that
 * @len: bytes
 *
 * Return: whether it is that.
 */
bool loot_from_serialized(struct loot *l, const struct target *t,
			  const uint8_t *buf, size_t len)
{
	struct wire w = { buf, len };
	BIGNUM *n, *e, *d, *inverse, *p, *q;
	bool good;

	if (!wire_is_rsa(&w))
		return false;
	n = wire_number(&w);
	e = wire_number(&w);
	d = wire_number(&w);
	inverse = wire_number(&w);
	p = wire_number(&w);
	q = wire_number(&w);
	good = q && !BN_cmp(n, t->n) && !BN_cmp(e, t->e);
	BN_free(n);
	BN_free(e);
	BN_clear_free(inverse);
	memset(l, 0, sizeof(*l));
	l->d = d;
	l->p = p;
	l->q = q;
	if (!good)
		loot_clear(l);
	return good;
}

static EVP_PKEY *make_pkey(const struct target *t, const struct loot *l)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BN_CTX *bn = BN_CTX_new();
	BIGNUM *dp = BN_new(), *dq = BN_new(), *one = BN_new(), *iqmp = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;
	bool good;

	good = OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, t->n) &&
	       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, t->e);
	if (good && l) {
		iqmp = BN_mod_inverse(NULL, l->q, l->p, bn);
		good = iqmp && BN_sub(one, l->p, BN_value_one()) &&
		       BN_mod(dp, l->d, one, bn) &&
		       BN_sub(one, l->q, BN_value_one()) &&
		       BN_mod(dq, l->d, one, bn) &&
		       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, l->d) &&
		       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, l->p) &&
		       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, l->q) &&
		       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) &&
		       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq) &&
		       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, iqmp);
	}
	if (good)
		params = OSSL_PARAM_BLD_to_param(bld);
	if (params && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &pkey, l ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
				  params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_CTX_free(bn);
	BN_clear_free(dp);
	BN_clear_free(dq);
	BN_clear_free(one);
	BN_clear_free(iqmp);
	return pkey;
}

/* What is signed with the private half must verify with the public one. */
static bool signs(const struct loot *l, const struct target *t)
{
	static const uint8_t text[] = "signed with a stolen key";
	EVP_PKEY *private = make_pkey(t, l), *public = make_pkey(t, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[2048];
	size_t len = sizeof(sig);
	bool good;

	good = private && public &&
	       EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, private) > 0 &&
	       EVP_DigestSign(ctx, sig, &len, text, sizeof(text)) > 0;
	EVP_MD_CTX_reset(ctx);
	good = good &&
	       EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public) > 0 &&
	       EVP_DigestVerify(ctx, sig, len, text, sizeof(text)) > 0;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(private);
	EVP_PKEY_free(public);
	return good;
}

/**
 * loot_doubt() - is it really the private key?
 * @l: what was found
 * @t: public half
 *
 * Return: NULL if it is, else what is wrong.
 */
const char *loot_doubt(const struct loot *l, const struct target *t)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *product = BN_new(), *lambda = BN_new();
	const char *doubt = NULL;

	if (!BN_mul(product, l->p, l->q, ctx) || BN_cmp(product, t->n))
		doubt = "p * q is not n";
	else if (!find_lambda(lambda, l, ctx) ||
		 !BN_mod_mul(product, l->d, t->e, lambda, ctx) ||
		 !BN_is_one(product))
		doubt = "d * e is not 1 modulo lcm(p - 1, q - 1)";
	else if (!signs(l, t))
		doubt = "its signature does not verify";
	BN_clear_free(product);
	BN_clear_free(lambda);
	BN_CTX_free(ctx);
	return doubt;
}

/**
 * loot_write() - as a file that ssh can use
 * @l: what was found
 * @t: public half
 * @path: PEM goes there, mode 0600
 *
 * Return: whether that worked.
 */
bool loot_write(const struct loot *l, const struct target *t, const char *path)
{
	EVP_PKEY *pkey = make_pkey(t, l);
	/* ssh insists on the mode. */
	mode_t mask = umask(077);
	FILE *f = unlink(path) && errno != ENOENT ? NULL : fopen(path, "w");
	bool good = pkey && f && PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL);

	umask(mask);
	EVP_PKEY_free(pkey);
	return (f ? !fclose(f) : false) && good;
}

/**
 * loot_print() - as numbers
 * @l: what was found
 * @t: public half
 */
void loot_print(const struct loot *l, const struct target *t)
{
	const struct { const char *name; const BIGNUM *number; } rows[] = {
		{ "modulus", t->n },	      { "public exponent", t->e },
		{ "private exponent", l->d }, { "prime 1", l->p },
		{ "prime 2", l->q },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *hex = BN_bn2hex(rows[i].number);

		printf("%s: %s\n", rows[i].name, hex);
		OPENSSL_free(hex);
	}
}

/**
 * loot_clear() - forget it
 * @l: may be empty
 */
void loot_clear(struct loot *l)
{
	BN_clear_free(l->d);
	BN_clear_free(l->p);
	BN_clear_free(l->q);
	l->d = l->p = l->q = NULL;
}
