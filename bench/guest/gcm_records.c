// SPDX-License-Identifier: GPL-2.0-only
/*
 * gcm_records malloc|salloc MS RATE COMPETITOR: encrypts records of 16 KiB with AES-128-GCM by OpenSSL's EVP, one key for all of them as TLS
 * has it; see load_run(). `salloc`: all that OpenSSL allocates is protected, the context with the key's schedule included, and
 * so is the key. The records themselves are ordinary memory: they are what goes to the network.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <salloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/load.h"

#define RECORD	16384

static unsigned char in[RECORD], out[RECORD];

static void *protected_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size ? salloc(size) : NULL;
}

static void *protected_realloc(void *ptr, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (size)
		return srealloc(ptr, size);
	sfree(ptr);
	return NULL;
}

static void protected_free(void *ptr, const char *file, int line)
{
	(void)file, (void)line;
	sfree(ptr);
}

static int encrypt(void *arg)
{
	EVP_CIPHER_CTX *ctx = arg;
	static unsigned char iv[12], tag[16];
	static const unsigned char head[13];
	int n;

	/* As records are numbered */
	for (size_t i = sizeof(iv); i-- && !++iv[i];)
		continue;
	if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv) == 1 && EVP_EncryptUpdate(ctx, NULL, &n, head, sizeof(head)) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &n, in, RECORD) == 1 && EVP_EncryptFinal_ex(ctx, out, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag) == 1)
		return 0;
	return -1;
}

int main(int argc, char **argv)
{
	bool protected = argc == 5 && strcmp(argv[1], "salloc") == 0;
	static unsigned char *key;
	EVP_CIPHER_CTX *ctx;
	char self[] = "0";

	if (argc != 5) {
		fprintf(stderr, "usage: gcm_records malloc|salloc MS RATE COMPETITOR\n");
		return 2;
	}
	if (protected && CRYPTO_set_mem_functions(protected_malloc, protected_realloc, protected_free) != 1) {
		fprintf(stderr, "gcm_records: OpenSSL has allocated before\n");
		return 2;
	}
	key = protected ? salloc(16) : malloc(16);
	if (!key) {
		perror("gcm_records");
		return 2;
	}
	memset(key, 0x5a, 16);
	ctx = EVP_CIPHER_CTX_new();
	if (EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, NULL) != 1)
		return 2;
	argv[1] = self;
	return load_run(argv + 1, encrypt, ctx, 1);
}
