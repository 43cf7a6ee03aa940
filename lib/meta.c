// SPDX-License-Identifier: LGPL-2.1-or-later
#include "meta.h"
#include "page.h"

#include <string.h>
#include <sys/mman.h>

void *sl_meta_map(size_t length)
{
	size_t inner = whole_pages(length);
	size_t outer = inner + 2 * PAGE_BYTES;
	char *map;

	map = mmap(NULL, outer, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map + PAGE_BYTES, inner, PROT_READ | PROT_WRITE)) {
		munmap(map, outer);
		return NULL;
	}
	return map + PAGE_BYTES;
}

void sl_meta_unmap(void *meta, size_t length)
{
	munmap((char *)meta - PAGE_BYTES, whole_pages(length) + 2 * PAGE_BYTES);
}

void *sl_meta_grow(void *table, size_t count, size_t *capacity, size_t size,
		   size_t first)
{
	size_t wanted = *capacity ? *capacity * 2 : first;
	void *larger;

	if (count < *capacity)
		return table;
	larger = sl_meta_map(wanted * size);
	if (!larger)
		return NULL;
	if (table) {
		memcpy(larger, table, count * size);
		sl_meta_unmap(table, *capacity * size);
	}
	*capacity = wanted;
	return larger;
}
