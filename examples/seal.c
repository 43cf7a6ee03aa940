// SPDX-License-Identifier: MIT
/*
 * seal KEYFILE <PLAIN >SEALED: seals a message of up to 64 KiB. It knows libsodium only; with libsalloc-sodium.so in LD_PRELOAD, root does not find
 * its key. cc seal.c -lsodium
 */
#include <err.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static unsigned char message[65536 + 1], sealed[sizeof(message) + crypto_secretbox_MACBYTES], nonce[crypto_secretbox_NONCEBYTES];
	unsigned char *key;
	size_t length;
	int fd;

	if (argc != 2)
		errx(2, "usage: seal KEYFILE <PLAIN >SEALED");
	if (sodium_init() < 0)
		errx(1, "sodium_init");
	key = sodium_malloc(crypto_secretbox_KEYBYTES);
	if (!key)
		err(1, "sodium_malloc");
	/* Not stdio: its buffer would be a copy. */
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || read(fd, key, crypto_secretbox_KEYBYTES) != (ssize_t)crypto_secretbox_KEYBYTES)
		errx(1, "%s: no key of %u bytes", argv[1], crypto_secretbox_KEYBYTES);
	close(fd);
	sodium_mprotect_readonly(key);
	length = fread(message, 1, sizeof(message), stdin);
	if (ferror(stdin) || length == sizeof(message))
		errx(1, "no message of up to %zu bytes", sizeof(message) - 1);
	randombytes_buf(nonce, sizeof(nonce));
	crypto_secretbox_easy(sealed, message, length, nonce, key);
	sodium_free(key);
	return fwrite(nonce, sizeof(nonce), 1, stdout) != 1 || fwrite(sealed, length + crypto_secretbox_MACBYTES, 1, stdout) != 1;
}
