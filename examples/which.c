// SPDX-License-Identifier: MIT
/* which: what protects this process's secrets; less than the module will do, and is told. cc which.c -lsalloc */
#include <err.h>
#include <salloc.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	static const char *const names[] = {
		[SALLOC_PROTECTION_NONE] = "nothing",
		[SALLOC_PROTECTION_KERNEL] = "the kernel module: ciphertext while this does not run",
		[SALLOC_PROTECTION_SECRET] = "memfd_secret(): plaintext, but nobody else can read it",
		[SALLOC_PROTECTION_LOCKED] = "mlock(): neither swapped out nor in core files",
	};
	struct salloc_status status = { .size = sizeof(status) };
	char *secret;

	if (salloc_fallback(SALLOC_FALLBACK_SECRET | SALLOC_FALLBACK_LOCKED))
		err(1, "salloc_fallback");
	secret = salloc(32);
	if (salloc_status(&status))
		err(1, "salloc_status");
	if (!secret)
		errx(1, "nothing protects this process: %s", strerror(status.error));
	printf("%s\n", names[status.protection]);
	sfree(secret);
	return 0;
}
