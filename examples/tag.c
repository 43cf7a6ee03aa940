// SPDX-License-Identifier: MIT
/* tag KEYFILE FILE: the BLAKE2b tag of a file, under a key that is never in ordinary memory. cc tag.c -lsalloc -lsodium */
#include <err.h>
#include <fcntl.h>
#include <salloc.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned char *key = salloc(crypto_generichash_KEYBYTES), tag[crypto_generichash_BYTES], chunk[4096];
	crypto_generichash_state *state = saligned_alloc(_Alignof(crypto_generichash_state), sizeof(*state));
	ssize_t got;
	int fd;

	if (argc != 3)
		errx(2, "usage: tag KEYFILE FILE");
	if (!key || !state)
		err(1, "salloc");
	/* Not stdio: its buffer would be a copy. */
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || read(fd, key, crypto_generichash_KEYBYTES) != (ssize_t)crypto_generichash_KEYBYTES)
		errx(1, "%s: no key of %zu bytes", argv[1], (size_t)crypto_generichash_KEYBYTES);
	close(fd);
	fd = open(argv[2], O_RDONLY);
	if (fd < 0)
		err(1, "%s", argv[2]);
	/* What is made of the key is as secret as the key. */
	crypto_generichash_init(state, key, crypto_generichash_KEYBYTES, sizeof(tag));
	sfree(key);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		crypto_generichash_update(state, chunk, (unsigned long long)got);
	crypto_generichash_final(state, tag, sizeof(tag));
	sfree(state);
	for (size_t i = 0; i < sizeof(tag); i++)
		printf("%02x", tag[i]);
	puts("");
	return got < 0;
}
