// SPDX-License-Identifier: MIT
/* token: a random token in hexadecimal. What it is made of is on a protected stack, and gone with it. cc token.c -lsalloc */
#include <err.h>
#include <salloc.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

static void make(void *failed)
{
	unsigned char bytes[16];
	char text[2 * sizeof(bytes) + 2], *at = text;

	*(int *)failed = getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		*at++ = "0123456789abcdef"[bytes[i] >> 4];
		*at++ = "0123456789abcdef"[bytes[i] & 15];
	}
	*at++ = '\n';
	*(int *)failed |= write(STDOUT_FILENO, text, (size_t)(at - text)) != at - text;
}

int main(void)
{
	int failed;

	if (salloc_call(0, make, &failed))
		err(1, "salloc_call");
	return failed;
}
