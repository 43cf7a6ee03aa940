// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inplace.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "backend.h"
#include "die.h"
#include "maps.h"
#include "meta.h"
#include "page.h"
#include "raw.h"
#include "region.h"
#include "stack.h"

#define FIRST_CAPACITY	((size_t)64)
#define STACK_NEAR	((uintptr_t)64 << 10)

/*
 * Where regions have been put in the place of other memory: disjoint ranges, in
 * ascending order. Some may have been unmapped since, by whoever had the memory
 * before, so this is never believed without /proc/thread-self/maps.
 */
static struct range {
	uintptr_t start, end;
} *table;
static size_t count, capacity;

/* The first range that ends above @at. */
static size_t first_above(uintptr_t at)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool covers(uintptr_t start, uintptr_t end)
{
	size_t at = first_above(start);

	return at < count && table[at].start <= start && table[at].end >= end;
}

/* Room for one more range: enough for any change below. */
static int make_room(void)
{
	struct range *larger = sl_meta_grow(table, count, &capacity,
					   sizeof(*table), FIRST_CAPACITY);

	if (!larger)
		return -ENOMEM;
	table = larger;
	return 0;
}

/* Puts @with (0 to 2 ranges) in the place of table[from] to table[to - 1]. */
static void replace(size_t from, size_t to, const struct range *with, size_t n)
{
	memmove(&table[from + n], &table[to], (count - to) * sizeof(*table));
	memcpy(&table[from], with, n * sizeof(*table));
	count += n - (to - from);
}

/* One range with those that it overlaps or touches. */
static void add(uintptr_t start, uintptr_t end)
{
	size_t from = start ? first_above(start - 1) : 0, to = from;
	struct range whole = { start, end };

	for (; to < count && table[to].start <= end; to++) {
		if (table[to].start < whole.start)
			whole.start = table[to].start;
		if (table[to].end > whole.end)
			whole.end = table[to].end;
	}
	replace(from, to, &whole, 1);
}

/* What is left of the first range that it overlaps. */
static void take_out(uintptr_t start, uintptr_t end)
{
	size_t at = first_above(start), n = 0;
	struct range left[2];

	if (table[at].start < start)
		left[n++] = (struct range){ table[at].start, start };
	if (table[at].end > end)
		left[n++] = (struct range){ end, table[at].end };
	replace(at, at + 1, left, n);
}

/* Copies what is not zero: the rest of @to reads as zero and costs nothing. */
static void copy(char *to, const char *from, size_t length)
{
	static const char zero[PAGE_BYTES];

	for (size_t at = 0; at < length; at += PAGE_BYTES)
		if (memcmp(from + at, zero, PAGE_BYTES))
			memcpy(to + at, from + at, PAGE_BYTES);
}

/*
 * Puts the mapping at @from, which has the same contents, where @start is, and
 * wipes that. In between only what raw.h has is used: the program's table of
 * the addresses of functions may be in the range. Returns 0; or a negative
 * errno, and all is as it was, but may be memory of another kind: *@ordinary.
 */
static int exchange(void *from, char *start, size_t length, bool *ordinary)
{
	long result, map = 0;

	raw_wipe(start, length);
	result = raw_syscall(SYS_mremap, (long)from, (long)length, (long)length, MREMAP_MAYMOVE | MREMAP_FIXED, (long)start, 0);
	if (result == (long)start)
		return 0;
	/* The kernel unmaps what is in the way before it finds that it cannot move. */
	*ordinary = raw_syscall(SYS_msync, (long)start, (long)length, MS_ASYNC, 0, 0, 0) == -ENOMEM;
	if (*ordinary)
		map = raw_syscall(SYS_mmap, (long)start, (long)length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (map < 0)
		sl_die(NULL, "cannot put back what was at", start);
	raw_copy(start, from, length);
	return (int)result;
}

struct candidate {
	struct range range;
	bool regions_only;
};

/* The part of a range that is in that mapping. */
static struct range part_of(const struct range *range, const struct sl_map *map)
{
	return (struct range){
		map->start > range->start ? map->start : range->start,
		map->end < range->end ? map->end : range->end,
	};
}

/* Whether a part of it is a region that is not in the table: for blocks, or a stack. */
static bool is_others(const char *start, size_t length)
{
	return sl_region_overlaps(start, length) || sl_stack_overlaps(start, length);
}

/*
 * Whether the part of the candidate in that mapping is a region. Where one looks as ordinary memory does, what the table says may be long ago:
 * it is done again then.
 */
static bool is_protected(const struct sl_map *map, const struct candidate *of)
{
	struct range part = part_of(&of->range, map);

	return sl_backend_is_region(map) && (sl_backend_tells() || is_others((char *)part.start, part.end - part.start));
}

static int can_protect(const struct sl_map *map, void *arg)
{
	struct candidate *candidate = arg;

	if (!map->readable || !map->writable || map->executable)
		return -EACCES;
	if (is_protected(map, candidate))
		return 0;
	candidate->regions_only = false;
	if (map->shared || !strcmp(map->name, "[stack]"))
		return -ENOTSUP;
	return 0;
}

int sl_inplace_check(const char *start, size_t length)
{
	if ((uintptr_t)start & (PAGE_BYTES - 1) || length & (PAGE_BYTES - 1) ||
	    !length || length > PTRDIFF_MAX ||
	    (uintptr_t)start + length < (uintptr_t)start)
		return -EINVAL;
	return 0;
}

/* The caller's stack is in use, as far as it is known: what is called here has its frames below, what called it above. */
static bool is_near_frame(uintptr_t from, uintptr_t end)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return from < here + STACK_NEAR && end > here - STACK_NEAR;
}

int sl_inplace_protect(char *start, size_t length)
{
	uintptr_t from = (uintptr_t)start, end = from + length;
	struct candidate candidate = { { from, end }, true };
	bool ordinary;
	void *region;
	int err = sl_inplace_check(start, length);

	if (!err)
		err = sl_maps_walk(from, end, false, can_protect, &candidate);
	if (err || candidate.regions_only)
		return err;
	if (is_others(start, length) || is_near_frame(from, end))
		return -ENOTSUP;
	err = sl_region_map(length, &region);
	if (err)
		return err;
	err = make_room();
	if (!err) {
		copy(region, start, length);
		err = exchange(region, start, length, &ordinary);
	}
	if (err) {
		sl_backend_unmap(region, length);
		return err;
	}
	add(from, end);
	return 0;
}

/* Where one looks as ordinary memory does, its flags tell. */
static int is_region(const struct sl_map *map, void *unused)
{
	(void)unused;
	return sl_backend_is_region(map) && (sl_backend_tells() || map->undumped) ? 0 : -EINVAL;
}

int sl_inplace_unprotect(char *start, size_t length)
{
	uintptr_t from = (uintptr_t)start, end = from + length;
	int err = sl_inplace_check(start, length);
	bool ordinary;
	void *plain;

	if (err)
		return err;
	if (!covers(from, end))
		return -EINVAL;
	err = sl_maps_walk(from, end, !sl_backend_tells(), is_region, NULL);
	if (!err)
		err = make_room();
	if (err)
		return err;
	plain = mmap(NULL, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (plain == MAP_FAILED)
		return -errno;
	copy(plain, start, length);
	err = exchange(plain, start, length, &ordinary);
	if (err) {
		explicit_bzero(plain, length);
		munmap(plain, length);
	}
	if (err && !ordinary)
		return err;
	take_out(from, end);
	return 0;
}

struct visit {
	sl_visitor *look;
	void *arg;
};

/* What is in the table and in that mapping. */
static int visit_parts(const struct sl_map *map, void *arg)
{
	const struct visit *visit = arg;

	if (is_region(map, NULL))
		return 0;
	for (size_t i = first_above(map->start); i < count && table[i].start < map->end; i++) {
		struct range part = part_of(&table[i], map);

		visit->look((void *)part.start, part.end - part.start, (map->readable ? PROT_READ : 0) | (map->writable ? PROT_WRITE : 0), visit->arg);
	}
	return 0;
}

int sl_inplace_visit(sl_visitor *look, void *arg)
{
	struct visit visit = { look, arg };

	return count ? sl_maps_walk_mapped(table[0].start, table[count - 1].end, !sl_backend_tells(), visit_parts, &visit) : 0;
}

int sl_inplace_forget(const void *start, size_t length)
{
	uintptr_t from = (uintptr_t)start, end = from + length;
	size_t at;

	while ((at = first_above(from)) < count && table[at].start < end) {
		if (table[at].start < from && table[at].end > end && make_room())
			return -ENOMEM;
		take_out(from, end);
	}
	return 0;
}

size_t sl_inplace_count(void)
{
	return count;
}
