// SPDX-License-Identifier: GPL-2.0-only
/*
 * signer SOCKET PUBLIC [SECONDS]: asks an ssh-agent for signatures and verifies
 * them: one without SECONDS, else as many as that time allows. Speaks the
 * agent's protocol itself, as ssh-keygen takes longer to start than the agent
 * to sign. Prints one line; exit status 0 when each one was good.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "extract/key.h"

#define SIGN_REQUEST	13
#define SIGN_RESPONSE	14
#define RSA_SHA2_512	4
/* A debugger may keep the agent stopped for a while; more than that is lost. */
#define PATIENCE	120

static volatile sig_atomic_t enough;

static void stop(int number)
{
	(void)number;
	enough = 1;
}

static void give_up(int number)
{
	static const char text[] = "failed\tno answer from the agent\n";

	(void)number;
	_exit(write(1, text, sizeof(text) - 1) < 0 ? 2 : 1);
}

static int fail(const char *what)
{
	printf("failed\t%s\n", what);
	return 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = value >> shift;
	return at;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static uint8_t *put_string(uint8_t *at, const void *bytes, size_t len)
{
	at = put32(at, len);
	memcpy(at, bytes, len);
	return at + len;
}

static bool exactly(int fd, uint8_t *buf, size_t len, bool sending)
{
	while (len) {
		ssize_t n = sending ? write(fd, buf, len) : read(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= n;
	}
	return true;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t public_blob(const struct target *t, uint8_t *blob)
{
	uint8_t number[2049] = { 0 }, *at = put_string(blob, "ssh-rsa", 7);
	int len = BN_bn2bin(t->e, number + 1);

	/* With a zero before it only where the top bit is set: as in n */
	at = number[1] & 0x80 ? put_string(at, number, len + 1) : put_string(at, number + 1, len);
	len = BN_bn2bin(t->n, number + 1);
	at = put_string(at, number, len + 1);
	return at - blob;
}

static EVP_PKEY *public_key(const struct target *t)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, t->n) &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, t->e))
		params = OSSL_PARAM_BLD_to_param(bld);
	if (params && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* NULL when the signature over @text is good, else what is wrong */
static const char *sign(int fd, const struct target *t, EVP_PKEY *pkey,
			const void *text, size_t text_len)
{
	uint8_t message[8192], *at = message + 5;
	EVP_MD_CTX *ctx;
	uint32_t len, name, sig;
	uint8_t blob[2048];
	bool good;

	message[4] = SIGN_REQUEST;
	at = put_string(at, blob, public_blob(t, blob));
	at = put_string(at, text, text_len);
	at = put32(at, RSA_SHA2_512);
	put32(message, at - message - 4);
	if (!exactly(fd, message, at - message, true) || !exactly(fd, message, 4, false))
		return "the agent has gone";
	len = get32(message);
	if (len < 13 || len > sizeof(message) || !exactly(fd, message, len, false))
		return "the agent refused";
	/* type, length of what follows, name of the algorithm, signature */
	name = message[0] == SIGN_RESPONSE ? get32(message + 5) : len;
	if (name > len - 13)
		return "the agent refused";
	sig = get32(message + 9 + name);
	if (sig > len - 13 - name)
		return "garbage from the agent";
	ctx = EVP_MD_CTX_new();
	good = EVP_DigestVerifyInit(ctx, NULL, EVP_sha512(), NULL, pkey) > 0 &&
	       EVP_DigestVerify(ctx, message + 13 + name, sig, text, text_len) > 0;
	EVP_MD_CTX_free(ctx);
	return good ? NULL : "a signature does not verify";
}

int main(int argc, char **argv)
{
	double start = now(), longest = 0;
	const char *problem = NULL;
	struct target t;
	EVP_PKEY *pkey;
	unsigned long count = 0;
	int fd;

	if (argc < 3 || argc > 4) {
		fputs("usage: signer SOCKET PUBLIC [SECONDS]\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, stop);
	signal(SIGALRM, give_up);
	if (!target_load(&t, argv[2]))
		return fail("no RSA public key");
	pkey = public_key(&t);
	fd = dial(argv[1]);
	if (fd < 0 || !pkey)
		return fail("cannot reach the agent");
	do {
		char text[64];
		double begin = now();

		snprintf(text, sizeof(text), "please sign no. %lu", count);
		alarm(PATIENCE);
		problem = sign(fd, &t, pkey, text, strlen(text));
		alarm(0);
		if (now() - begin > longest)
			longest = now() - begin;
		count += !problem;
	} while (!problem && !enough && argc > 3 && now() - start < atof(argv[3]));
	EVP_PKEY_free(pkey);
	if (problem)
		return fail(problem);
	printf("signed\t%lu verified, longest wait %.1f s\n", count, longest);
	return 0;
}
