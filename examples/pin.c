// SPDX-License-Identifier: MIT
/* pin: three guesses at a PIN, which is between pages that nobody may touch, and cannot be overwritten. cc pin.c -lsalloc */
#include <err.h>
#include <salloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define DIGITS	4

int main(void)
{
	char *pin = salloc_guarded(DIGITS), guess[64];

	if (!pin)
		err(1, "salloc_guarded");
	if (getrandom(pin, DIGITS, 0) != DIGITS)
		err(1, "getrandom");
	for (int i = 0; i < DIGITS; i++)
		pin[i] = (char)('0' + (unsigned char)pin[i] % 10);
	if (salloc_ro(pin))
		err(1, "salloc_ro");
	for (int i = 0; i < 3 && fgets(guess, sizeof(guess), stdin); i++) {
		/* In a time that does not tell how many digits are right. */
		if (strlen(guess) > DIGITS && salloc_equal(guess, pin, DIGITS)) {
			puts("right");
			sfree(pin);
			return 0;
		}
		puts("wrong");
	}
	sfree(pin);
	return 1;
}
