// SPDX-License-Identifier: LGPL-2.1-or-later
#include "region.h"

#include <errno.h>
#include <salloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "backend.h"
#include "die.h"
#include "inplace.h"
#include "meta.h"
#include "page.h"
#include "stack.h"

#define FIRST_CAPACITY	((size_t)128)

/*
 * In descending order: the kernel gives addresses from the top down, so that a
 * new region mostly goes to the end.
 */
static struct region *table;
static size_t count, capacity;
static size_t mapped;
/* SALLOC_GUARD_*, as asked for. The kernel forgets it with the last region. */
static unsigned int guard;

/* How many regions begin above @ptr: the next could be the one that holds it. */
static size_t above(const void *ptr)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uintptr_t)table[middle].start > (uintptr_t)ptr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int make_room(void)
{
	struct region *larger = sl_meta_grow(table, count, &capacity,
					   sizeof(*table), FIRST_CAPACITY);

	if (!larger)
		return -ENOMEM;
	table = larger;
	return 0;
}

/* Cuts [start, start + length) down to @wanted bytes at a multiple of @align. */
static int trim(void **start, size_t length, size_t wanted, size_t align)
{
	size_t before = -(uintptr_t)*start & (align - 1);
	size_t after = length - before - wanted;
	int err = 0;

	if (before)
		err = sl_backend_unmap(*start, before);
	if (!err && after)
		err = sl_backend_unmap((char *)*start + before + wanted, after);
	*start = (char *)*start + before;
	return err;
}

/* A region that is guarded less than was asked for is none. */
static int map_guarded(int handle, size_t length, void **start)
{
	int err = sl_backend_map(handle, length, start);

	if (err || !guard)
		return err;
	err = sl_backend_guard(handle, guard);
	if (err)
		sl_backend_unmap(*start, length);
	return err;
}

/* From @handle, which is closed, or is a negative errno. */
static int map(int handle, size_t length, size_t align, void **start)
{
	size_t slack = align - PAGE_BYTES;
	void *at;
	int err;

	if (handle < 0) {
		/* It was there once, so it is not missing but out of reach. */
		return handle == -ENOSYS && sl_region_any() ? -ENOMEM : handle;
	}
	err = map_guarded(handle, length + slack, &at);
	sl_backend_close(handle);
	if (err)
		return err;
	*start = at;
	/* What was there once and protected in place is not any more. */
	err = sl_inplace_forget(at, length + slack);
	if (!err)
		err = trim(start, length + slack, length, align);
	if (err)
		sl_backend_unmap(at, length + slack);
	return err;
}

int sl_region_map(size_t length, void **start)
{
	return map(sl_backend_open(), length, PAGE_BYTES, start);
}

int sl_region_map_stack(size_t length, void **start)
{
	return map(sl_backend_open_stack(), length, PAGE_BYTES, start);
}

int sl_region_create(size_t length, size_t align, struct region **region)
{
	void *start;
	size_t at;
	int err;

	if (length > PTRDIFF_MAX - align)
		return -ENOMEM;
	err = make_room();
	if (!err)
		err = map(sl_backend_open(), length, align, &start);
	if (err)
		return err;
	at = above(start);
	memmove(&table[at + 1], &table[at], (count - at) * sizeof(*table));
	table[at] = (struct region){ .start = start, .length = length, .block = start, .size = length,
				     .access = PROT_READ | PROT_WRITE };
	count++;
	mapped += length;
	*region = &table[at];
	return 0;
}

void sl_region_destroy(struct region *region)
{
	size_t at = region - table;

	/*
	 * The kernel wipes the pages that go. It can refuse only for want of
	 * memory, or because the range is not what our records say it is.
	 */
	if (sl_backend_unmap(region->start, region->length))
		sl_die(NULL, "cannot unmap", region->start);
	mapped -= region->length;
	count--;
	memmove(&table[at], &table[at + 1], (count - at) * sizeof(*table));
}

int sl_region_guard(unsigned int flags)
{
	const unsigned int policy = SALLOC_GUARD_PARK | SALLOC_GUARD_REFUSE;
	int handle, err;

	if (flags & ~(policy | SALLOC_GUARD_HIDE) || (flags & policy) == policy)
		return -EINVAL;
	flags |= flags & policy ? guard & ~policy : guard;
	handle = sl_backend_open();
	if (handle < 0)
		return handle;
	/* Without a region it ends with the handle, having shown that it can. */
	err = sl_backend_guard(handle, flags);
	sl_backend_close(handle);
	if (!err)
		guard = flags;
	return err;
}

struct region *sl_region_find(const void *ptr)
{
	size_t at = above(ptr);
	struct region *region = &table[at];

	if (at == count ||
	    (uintptr_t)ptr - (uintptr_t)region->start >= region->length)
		return NULL;
	return region;
}

bool sl_region_overlaps(const void *start, size_t length)
{
	/* The one that begins last of those that begin before the end. */
	size_t at = above((const char *)start + length - 1);

	return at < count && table[at].start + table[at].length >
			     (const char *)start;
}

void sl_region_visit(sl_visitor *look, void *arg)
{
	for (size_t i = 0; i < count; i++)
		look(table[i].start + table[i].guard, table[i].length - 2 * table[i].guard, table[i].access, arg);
}

int sl_region_forbid(void *page)
{
	return mmap(page, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -errno : 0;
}

int sl_region_access(struct region *region, int access)
{
	if (region->access == access)
		return 0;
	if (region->access == SL_LOST)
		return -ENOMEM;
	if (mprotect(region->start + region->guard, region->length - 2 * region->guard, access))
		return -errno;
	region->access = access;
	return 0;
}

bool sl_region_any(void)
{
	return count || sl_inplace_count() || sl_stack_count();
}

size_t sl_region_mapped(void)
{
	return mapped;
}
