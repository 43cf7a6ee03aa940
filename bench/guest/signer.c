// SPDX-License-Identifier: GPL-2.0-only
/*
 * signer MS RATE: signs 512 bytes with Ed25519 (libsodium), its secret key from salloc(); see load_run().
 */
#include <salloc.h>
#include <sodium.h>
#include <stdio.h>

#include "common/bench.h"
#include "common/load.h"

static int sign(void *key)
{
	static unsigned char data[512], signature[crypto_sign_BYTES];

	crypto_sign_detached(signature, NULL, data, sizeof(data), key);
	data[0] ^= signature[0];
	return 0;
}

int main(int argc, char **argv)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], *key;
	char self[] = "0", none[] = "0";

	if (argc != 3) {
		fprintf(stderr, "usage: signer MS RATE\n");
		return 2;
	}
	key = sodium_init() < 0 ? NULL : salloc(crypto_sign_SECRETKEYBYTES);
	if (!key)
		die("salloc");
	crypto_sign_keypair(public, key);
	return load_run((char *[]){ self, argv[1], argv[2], none, NULL }, sign, key, 1);
}
