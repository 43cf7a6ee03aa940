/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * primes: finds a prime factor of the modulus that lies bare in memory, as it
 * does while the agent signs. No secret is needed to recognize one: it divides.
 */
#ifndef EXTRACT_PRIMES_H
#define EXTRACT_PRIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image;
struct loot;
struct target;

bool primes_search(const struct image *image, const struct target *t,
		   bool both, struct loot *l);
bool primes_search_flat(const uint8_t *data, size_t size,
			const struct target *t, struct loot *l);

#endif
