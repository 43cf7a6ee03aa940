/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * noise: do bytes look random? Keys, and what is encrypted, do; little else. And
 * the contrary: pages of zeros, which most of a machine's memory is made of.
 */
#ifndef EXTRACT_NOISE_H
#define EXTRACT_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Chi squared over the 256 values of a byte: 255 expected, 23 its standard
 * deviation, for bytes that are random. 100 zeros among 16 KiB give 600.
 */
#define NOISE_LIMIT	420

static inline bool noise_verdict(uint64_t sum_of_squares, size_t len)
{
	return sum_of_squares * 256 / len < len + NOISE_LIMIT;
}

static inline bool noise_is(const uint8_t *bytes, size_t len)
{
	uint32_t counts[256] = { 0 };
	uint64_t squares = 0;

	for (size_t i = 0; i < len; i++)
		counts[bytes[i]]++;
	for (int i = 0; i < 256; i++)
		squares += (uint64_t)counts[i] * counts[i];
	return noise_verdict(squares, len);
}

#define DATA_PAGE	((size_t)4096)

static inline bool data_is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, DATA_PAGE - 1);
}

/* The next run of pages that are not zero, from *@at on; @size is whole pages */
static inline bool data_next(const uint8_t *data, size_t size, size_t *at,
			     size_t *end)
{
	while (*at + DATA_PAGE <= size && data_is_zero(data + *at))
		*at += DATA_PAGE;
	for (*end = *at; *end + DATA_PAGE <= size; *end += DATA_PAGE)
		if (data_is_zero(data + *end))
			break;
	return *end > *at;
}

#endif
