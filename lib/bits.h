/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bits: maps of bits. */
#ifndef SL_BITS_H
#define SL_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITS_WORD	((size_t)64)

/* The first bit from @from on, below @end, that is @value; @end if none is. */
static inline size_t bits_next(const uint64_t *map, size_t from, size_t end,
			       bool value)
{
	while (from < end) {
		uint64_t word = map[from / BITS_WORD];

		word = (value ? word : ~word) >> from % BITS_WORD;
		if (word) {
			from += __builtin_ctzll(word);
			break;
		}
		from = (from / BITS_WORD + 1) * BITS_WORD;
	}
	return from < end ? from : end;
}

/* Gives @count bits from @from on the @value. Returns how many changed. */
static inline size_t bits_fill(uint64_t *map, size_t from, size_t count,
			       bool value)
{
	size_t changed = 0;

	while (count) {
		size_t shift = from % BITS_WORD;
		size_t n = BITS_WORD - shift < count ? BITS_WORD - shift : count;
		/* shift is below 64, so n is at least 1. */
		uint64_t mask = ~(uint64_t)0 >> (BITS_WORD - n) << shift; /* NOLINT(*-core.Undefined*) */
		uint64_t *word = &map[from / BITS_WORD];
		uint64_t filled = value ? *word | mask : *word & ~mask;

		changed += __builtin_popcountll(*word ^ filled);
		*word = filled;
		from += n;
		count -= n;
	}
	return changed;
}

#endif
