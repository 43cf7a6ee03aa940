// SPDX-License-Identifier: GPL-2.0-only
#include "memory.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <salloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREKEY	16384

unsigned char *peer_secret;
static size_t secret_len;

/* Where a shielded secret rests, and what its key is made from. */
static unsigned char *shielded, *prekey;

static void nothing(void)
{
}

static void (*open_it)(void) = nothing, (*close_it)(void) = nothing;

static void sodium_open(void)
{
	sodium_mprotect_readonly(peer_secret);
}

static void sodium_close(void)
{
	sodium_mprotect_noaccess(peer_secret);
}

/* Encrypts and decrypts. */
static void with_prekey(unsigned char *to, const unsigned char *from)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char hash[64];
	int n;

	if (EVP_Digest(prekey, PREKEY, hash, NULL, EVP_sha512(), NULL) != 1 ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, hash, hash + 32) != 1 || EVP_EncryptUpdate(ctx, to, &n, from, (int)secret_len) != 1)
		abort();
	explicit_bzero(hash, sizeof(hash));
	EVP_CIPHER_CTX_free(ctx);
}

static void unshield(void)
{
	peer_secret = malloc(secret_len);
	with_prekey(peer_secret, shielded);
	explicit_bzero(prekey, PREKEY);
}

static void shield(void)
{
	if (RAND_bytes(prekey, PREKEY) != 1)
		abort();
	with_prekey(shielded, peer_secret);
	explicit_bzero(peer_secret, secret_len);
	free(peer_secret);
	peer_secret = NULL;
}

static int have_memfd_secret(void)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);

	if (fd < 0 || ftruncate(fd, (off_t)(secret_len + 4095) & ~4095L))
		return -1;
	peer_secret = mmap(NULL, secret_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return peer_secret == MAP_FAILED ? -1 : 0;
}

int peer_have(const char *method, size_t len)
{
	secret_len = len;
	if (strcmp(method, "memfd_secret") == 0)
		return have_memfd_secret();
	if (strcmp(method, "malloc") == 0) {
		/* On pages of its own, as the others are. */
		peer_secret = aligned_alloc(4096, (len + 4095) & ~4095UL);
	} else if (strcmp(method, "salloc") == 0) {
		peer_secret = salloc(len);
	} else if (strcmp(method, "sodium") == 0) {
		peer_secret = sodium_init() < 0 ? NULL : sodium_malloc(len);
		open_it = sodium_open;
		close_it = sodium_close;
	} else if (strcmp(method, "shield") == 0) {
		peer_secret = malloc(len);
		shielded = aligned_alloc(4096, (len + 4095) & ~4095UL);
		prekey = malloc(PREKEY);
		open_it = unshield;
		close_it = shield;
	} else {
		return 1;
	}
	return peer_secret ? 0 : -1;
}

void peer_open(void)
{
	open_it();
}

void peer_close(void)
{
	close_it();
}
