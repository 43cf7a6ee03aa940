// SPDX-License-Identifier: LGPL-2.1-or-later
/* lib/bits.h against the same thing done bit by bit. */
#include "../../lib/bits.h"

#include <string.h>

#include "tap.h"

#define BITS	300

static bool naive[BITS];
static uint64_t map[(BITS + 63) / 64];

static bool same(void)
{
	for (size_t i = 0; i < BITS; i++)
		if ((map[i / 64] >> i % 64 & 1) != naive[i])
			return false;
	return true;
}

static bool fill_agrees(size_t from, size_t count, bool value)
{
	size_t changed = 0;

	for (size_t i = from; i < from + count; i++) {
		changed += naive[i] != value;
		naive[i] = value;
	}
	return bits_fill(map, from, count, value) == changed && same();
}

static bool next_agrees(size_t from, size_t end, bool value)
{
	size_t i = from;

	while (i < end && naive[i] != value)
		i++;
	if (i > end)
		i = end;
	return bits_next(map, from, end, value) == (from < end ? i : end);
}

int main(void)
{
	struct tap_random random = { 1 };
	bool fill = true, next = true;

	for (unsigned long i = tap_rounds(200000); i; i--) {
		size_t from = tap_random(&random, BITS);
		size_t count = tap_random(&random, BITS - from + 1);
		bool value = tap_random(&random, 2);

		if (tap_random(&random, 2))
			count %= 9;
		fill &= fill_agrees(from, count, value);
		next &= next_agrees(tap_random(&random, BITS),
				    tap_random(&random, BITS + 1), value);
	}
	ok(fill, "bits_fill sets exactly the range and counts what changed");
	ok(next, "bits_next finds the first such bit, or the end");
	memset(map, 0xff, sizeof(map));
	ok(bits_next(map, 0, BITS, false) == BITS, "nothing beyond the end is found");
	return tap_done();
}
