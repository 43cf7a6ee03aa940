// SPDX-License-Identifier: GPL-2.0-only
#include "pool.h"

#include <errno.h>
#include <salloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../../lib/backend.h"
#include "../../../lib/die.h"
#include "../../../lib/meta.h"
#include "../../../lib/page.h"
#include "../../unit/backend_module.h"

#define POOL_BYTES	((size_t)4 << 30)
#define POOL_ALIGN	((size_t)1 << 30)
#define RANGES		1024
#define METAS		1024
#define HANDLE		77

struct range {
	char *start;
	size_t length;
};

struct pool pool;
static char *base;		/* of POOL_BYTES of addresses */
static struct range ranges[RANGES];	/* the regions, the highest first */
static size_t range_count;
static struct range metas[METAS];
static size_t meta_count;

/* The library's variables, by state.ld; and what was in them at the start. */
extern char fuzz_state_start[], fuzz_state_end[];
static char *state;

/* The names that ld --wrap makes. */
void *__real_sl_meta_map(size_t length);
void __real_sl_meta_unmap(void *meta, size_t length);
_Noreturn void __real_sl_die(const char *who, const char *what,
			     const void *ptr);
void *__real_sl_meta_grow(void *table, size_t count, size_t *capacity, size_t size, size_t first);
void *__wrap_sl_meta_map(size_t length);
void *__wrap_sl_meta_grow(void *table, size_t count, size_t *capacity, size_t size, size_t first);
void __wrap_sl_meta_unmap(void *meta, size_t length);
_Noreturn void __wrap_sl_die(const char *who, const char *what,
			     const void *ptr);

_Noreturn void pool_wrong(const char *what)
{
	fprintf(stderr, "allocator: %s\n", what);
	abort();
}

/* Fails as a system call does: errno is set too. */
static int fail(int error)
{
	pool.failed++;
	pool.error = error;
	errno = error;
	return -error;
}

static int fault(void)
{
	if (!pool.fail_count)
		return 0;
	if (pool.fail_after) {
		pool.fail_after--;
		return 0;
	}
	pool.fail_count--;
	return fail(pool.fail_error);
}

static int fault_with(int handle)
{
	if (handle != HANDLE || !pool.handles)
		pool_wrong("a call with a handle that is not open");
	return fault();
}

/* The kernel forgets with the last of both. */
static void forget(void)
{
	if (!pool.handles && !pool.regions_bytes)
		pool.guard = 0;
}

int sl_backend_open(void)
{
	int err = fault();

	if (err)
		return err;
	pool.handles++;
	return HANDLE;
}

void sl_backend_close(int handle)
{
	if (handle != HANDLE || !pool.handles)
		pool_wrong("a handle is closed that is not open");
	pool.handles--;
	forget();
}

int sl_backend_limits(int handle, struct sl_backend_limits *limits)
{
	limits->max_pages = pool.max_pages ? pool.max_pages :
					     (uint64_t)1 << 40;
	return fault_with(handle);
}

int sl_backend_state(int handle, struct sl_backend_state *answer)
{
	answer->state = pool.regions_bytes ? SALLOC_STATE_PROTECTED :
					     SALLOC_STATE_READY;
	answer->used_pages = pool.regions_bytes / PAGE_BYTES;
	answer->limit_pages = pool.max_pages ? pool.max_pages : UINT64_MAX;
	answer->user_pages = answer->used_pages;
	return fault_with(handle);
}

int sl_backend_guard(int handle, unsigned int flags)
{
	int err = fault_with(handle);

	if (err)
		return err;
	if (flags & (SALLOC_GUARD_PARK | SALLOC_GUARD_REFUSE))
		pool.guard &= ~SALLOC_GUARD_REFUSE;
	pool.guard |= flags & ~SALLOC_GUARD_PARK;
	return 0;
}

static void insert_range(size_t at, char *start, size_t length)
{
	memmove(&ranges[at + 1], &ranges[at],
		(range_count - at) * sizeof(*ranges));
	ranges[at] = (struct range){ start, length };
	range_count++;
}

static void remove_range(size_t at)
{
	range_count--;
	memmove(&ranges[at], &ranges[at + 1],
		(range_count - at) * sizeof(*ranges));
}

/* From the top down, like the kernel, but with a gap if one is asked for. */
static char *place(size_t length, size_t *at)
{
	char *end = base + POOL_BYTES;

	for (*at = 0; *at <= range_count; ++*at) {
		char *low = *at < range_count ?
				    ranges[*at].start + ranges[*at].length :
				    base;

		if ((size_t)(end - low) >= length + pool.gap)
			return end - pool.gap - length;
		if (*at < range_count)
			end = ranges[*at].start;
	}
	return NULL;
}

int sl_backend_map(int handle, size_t length, void **start)
{
	int err = fault_with(handle);
	size_t at;
	char *map;

	if (err)
		return err;
	if (!length || length % PAGE_BYTES)
		pool_wrong("a region is not made of whole pages");
	if (pool.bytes_max && pool.regions_bytes + length > pool.bytes_max)
		return fail(EDQUOT);
	map = length <= POOL_BYTES && range_count < RANGES - 1 ?
		      place(length, &at) : NULL;
	if (!map)
		return fail(ENOMEM);
	if (mprotect(map, length, PROT_READ | PROT_WRITE))
		pool_wrong("mprotect");
	insert_range(at, map, length);
	pool.regions_bytes += length;
	*start = map;
	return 0;
}

/* Makes [start, start + length) a hole again, whatever is there. */
static void unmap_pages(char *start, size_t length)
{
	if (mmap(start, length, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) != start)
		pool_wrong("mmap");
}

static struct range *range_of(const char *ptr)
{
	for (size_t i = 0; i < range_count; i++)
		if ((uintptr_t)ptr - (uintptr_t)ranges[i].start <
		    ranges[i].length)
			return &ranges[i];
	return NULL;
}

bool pool_holds(const void *ptr, size_t size)
{
	const struct range *range = range_of(ptr);

	return range && (uintptr_t)ptr + size <=
			(uintptr_t)range->start + range->length;
}

/* Nothing is protected where it is: what is mapped where would not be the same each time. */
bool sl_backend_is_region(const struct sl_map *map)
{
	(void)map;
	return false;
}

int sl_backend_discard(int handle, void *start, size_t length)
{
	int err = fault_with(handle);

	if (err)
		return err;
	if (!length || length % PAGE_BYTES || (uintptr_t)start % PAGE_BYTES ||
	    !pool_holds(start, length))
		pool_wrong("what is discarded is no region");
	if (madvise(start, length, MADV_DONTNEED))
		pool_wrong("madvise");
	return 0;
}

/* The part of a region from @start on goes; what is around it stays. */
static void cut(struct range *range, char *start, size_t length)
{
	size_t before = start - range->start;
	size_t after = range->length - before - length;

	pool.regions_bytes -= length;
	if (after) {
		range->start = start + length;
		range->length = after;
		if (before)
			insert_range(range - ranges + 1, start - before,
				     before);
	} else if (before) {
		range->length = before;
	} else {
		remove_range(range - ranges);
	}
}

int sl_backend_unmap(void *start, size_t length)
{
	struct range *range = range_of(start);
	int err = fault();

	if (err) {
		pool.unmap_failed = true;
		return err;
	}
	if (!length || length % PAGE_BYTES || (uintptr_t)start % PAGE_BYTES)
		pool_wrong("what is unmapped is not made of whole pages");
	/* Having failed once, the library unmaps a bit more than is there. */
	if (!pool.unmap_failed && !pool_holds(start, length))
		pool_wrong("what is unmapped is no region");
	if (range && pool_holds(start, length)) {
		unmap_pages(start, length);
		cut(range, start, length);
		forget();
	}
	return 0;
}

static void meta_is_there(void *meta, size_t length)
{
	if (meta_count == METAS)
		pool_wrong("too many mappings for records");
	metas[meta_count++] = (struct range){ meta, length };
}

static void meta_is_gone(void *meta, size_t length)
{
	size_t i = 0;

	while (i < meta_count && metas[i].start != meta)
		i++;
	if (i == meta_count || metas[i].length != length)
		pool_wrong("records are unmapped that are not there");
	metas[i] = metas[--meta_count];
}

void *__wrap_sl_meta_map(size_t length)
{
	void *meta = NULL;

	if (!fault())
		meta = __real_sl_meta_map(length);
	if (meta)
		meta_is_there(meta, length);
	return meta;
}

void __wrap_sl_meta_unmap(void *meta, size_t length)
{
	meta_is_gone(meta, length);
	__real_sl_meta_unmap(meta, length);
}

/* It calls the two above in its own file, which the linker does not see. */
void *__wrap_sl_meta_grow(void *table, size_t count, size_t *capacity, size_t size, size_t first)
{
	size_t before = *capacity * size;
	void *larger = NULL;

	if (count < *capacity)
		return table;
	if (!fault())
		larger = __real_sl_meta_grow(table, count, capacity, size, first);
	if (!larger)
		return NULL;
	if (table)
		meta_is_gone(table, before);
	meta_is_there(larger, *capacity * size);
	return larger;
}

_Noreturn void __wrap_sl_die(const char *who, const char *what,
			     const void *ptr)
{
	/* It can do no other when a region cannot be unmapped. */
	if (!pool.death_expected &&
	    !(pool.unmap_failed && !strcmp(what, "cannot unmap")))
		__real_sl_die(who, what, ptr);
	pool.death_what = what;
	pool.death_ptr = ptr;
	longjmp(*pool.death, 1);
}

/* Red zones lie between the variables: nothing may look at how it is done. */
__attribute__((no_sanitize("address"))) static void
copy(volatile char *to, const volatile char *from, size_t length)
{
	while (length--)
		*to++ = *from++;
}

void pool_start(void)
{
	size_t length = fuzz_state_end - fuzz_state_start;
	char *map;

	state = malloc(length);
	map = mmap(NULL, POOL_BYTES + POOL_ALIGN, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!state || map == MAP_FAILED)
		pool_wrong("no memory");
	base = map + (-(uintptr_t)map & (POOL_ALIGN - 1));
	copy(state, fuzz_state_start, length);
}

void pool_reset(void)
{
	char *low = range_count ? ranges[range_count - 1].start : NULL;

	if (low)
		unmap_pages(low, base + POOL_BYTES - low);
	while (meta_count) {
		meta_count--;
		__real_sl_meta_unmap(metas[meta_count].start,
				     metas[meta_count].length);
	}
	range_count = 0;
	pool = (struct pool){ .failed = 0 };
	copy(fuzz_state_start, state, fuzz_state_end - fuzz_state_start);
}
