// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resident.h"

#include <string.h>
#include <sys/mman.h>

#include "page.h"

#define CHUNK_PAGES	((size_t)256)

/* Calls @look for each page of the range that has memory. */
static void each(char *start, size_t length, void (*look)(char *page, void *arg), void *arg)
{
	unsigned char has[CHUNK_PAGES];
	size_t pages = length / PAGE_BYTES;

	for (size_t done = 0; done < pages; done += CHUNK_PAGES) {
		size_t n = pages - done < CHUNK_PAGES ? pages - done : CHUNK_PAGES;
		char *at = start + done * PAGE_BYTES;

		/* Where that cannot be told, it has. */
		if (mincore(at, n * PAGE_BYTES, has))
			memset(has, 1, n);
		for (size_t i = 0; i < n; i++)
			if (has[i] & 1)
				look(at + i * PAGE_BYTES, arg);
	}
}

static void count(char *page, void *bytes)
{
	(void)page;
	*(size_t *)bytes += PAGE_BYTES;
}

size_t sl_resident_bytes(void *start, size_t length)
{
	size_t bytes = 0;

	each(start, length, count, &bytes);
	return bytes;
}

static void wipe(char *page, void *unused)
{
	(void)unused;
	explicit_bzero(page, PAGE_BYTES);
}

void sl_resident_wipe(void *start, size_t length)
{
	each(start, length, wipe, NULL);
}
