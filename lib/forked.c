// SPDX-License-Identifier: LGPL-2.1-or-later
#include "forked.h"

#include <errno.h>
#include <salloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "backend.h"
#include "die.h"
#include "fallback.h"
#include "inplace.h"
#include "locked.h"
#include "meta.h"
#include "pages.h"
#include "raw.h"
#include "region.h"
#include "resident.h"
#include "secret.h"
#include "slab.h"
#include "stack.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000	/* since Linux 4.17 */
#endif

#define FIRST_CAPACITY	((size_t)64)

/* Secret regions, and what a child gets in their place. */
struct heir {
	void *start;
	size_t length;
	int access;
	void *copy;	/* NULL: could not be made */
};

static struct heir *table;
static size_t count, capacity;
/* Some are not in the table. */
static bool incomplete;

static atomic_bool broken, wiped;

bool sl_forked_is_broken(void)
{
	return atomic_load(&broken);
}

bool sl_forked_is_wiped(void)
{
	return atomic_load(&wiped);
}

/* What may not be read now has to be, for a moment. */
static bool copy(void *to, void *from, size_t length, int access)
{
	bool readable = access & PROT_READ;

	if (!readable && mprotect(from, length, PROT_READ))
		return false;
	memcpy(to, from, length);
	return readable || !mprotect(from, length, access);
}

static void *make_copy(void *start, size_t length, int access, bool wipe)
{
	void *made;

	if (access == SL_LOST || sl_secret_map_shared(length, &made))
		return NULL;
	if (wipe || copy(made, start, length, access))
		return made;
	munmap(made, length);
	return NULL;
}

static void provide(void *start, size_t length, int access, void *wipe)
{
	struct heir *larger = sl_meta_grow(table, count, &capacity, sizeof(*table), FIRST_CAPACITY);

	if (!larger) {
		incomplete = true;
		return;
	}
	table = larger;
	table[count++] = (struct heir){ start, length, access, make_copy(start, length, access, *(const bool *)wipe) };
}

void sl_forked_before(void)
{
	bool wipe;

	if (sl_backend_level() != SALLOC_PROTECTION_SECRET)
		return;
	wipe = sl_fallback_allowed() & SALLOC_FALLBACK_WIPE;
	incomplete = false;
	sl_region_visit(provide, &wipe);
	if (sl_inplace_visit(provide, &wipe))
		incomplete = true;
}

void sl_forked_parent(void)
{
	while (count) {
		const struct heir *heir = &table[--count];

		if (heir->copy)
			munmap(heir->copy, heir->length);
	}
}

/* The addresses have to be free still: a handler that came before may have got them. */
static bool inherit(const struct heir *heir)
{
	const long free_only = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	long start = (long)heir->start, length = (long)heir->length;

	if (raw_syscall(SYS_mmap, start, length, PROT_NONE, free_only, -1, 0) != start || !heir->copy)
		return false;
	return raw_syscall(SYS_mremap, (long)heir->copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, start, 0) == start &&
	       !raw_syscall(SYS_madvise, start, length, MADV_DONTFORK, 0, 0, 0) &&
	       (heir->access == (PROT_READ | PROT_WRITE) || !raw_syscall(SYS_mprotect, start, length, heir->access, 0, 0, 0));
}

/* Nobody is to be given, or to make accessible, what is not what it should be. */
static void lose(void *start)
{
	struct region *region = sl_region_find(start);

	if (region && region->arena) {
		sl_slab_forget(region->arena);
		sl_pages_forget(region->arena);
	}
	if (region)
		region->access = SL_LOST;
	atomic_store(&broken, true);
}

/*
 * Nothing of the C library is used before all is in its place: the program's
 * table of the addresses of functions may be in a page that is not.
 */
static void take_over(void)
{
	for (size_t i = 0; i < count; i++)
		if (inherit(&table[i]))
			table[i].copy = NULL;
		else
			table[i].access = SL_LOST;
	for (; count; count--) {
		struct heir *heir = &table[count - 1];

		if (heir->access == SL_LOST)
			lose(heir->start);
		if (heir->copy)
			munmap(heir->copy, heir->length);
	}
	if (incomplete)
		atomic_store(&broken, true);
}

static void lock(void *start, size_t length, int access, void *unused)
{
	(void)unused;
	if (access == SL_LOST || !sl_locked_lock(start, length))
		return;
	madvise(start, length, MADV_DONTNEED);
	mprotect(start, length, PROT_NONE);
	lose(start);
}

/* Those of other threads, which this process has not: with what they had on them. */
static void wipe_stack(void *start, size_t length, int access, void *unused)
{
	(void)access;
	(void)unused;
	sl_resident_wipe(start, length);
}

static void lock_stack(void *start, size_t length, int access, void *unused)
{
	(void)access;
	(void)unused;
	/* It may be the one that this runs on. */
	if (sl_locked_lock(start, length))
		sl_die("fork", "cannot lock in the child the stack at", start);
}

void sl_forked_child(void)
{
	unsigned int level = sl_backend_level();

	if (level <= SALLOC_PROTECTION_KERNEL)
		return;
	if (level == SALLOC_PROTECTION_SECRET)
		take_over();
	sl_stack_visit(lock_stack, NULL);
	if (level == SALLOC_PROTECTION_LOCKED) {
		sl_region_visit(lock, NULL);
		if (sl_inplace_visit(lock, NULL))
			atomic_store(&broken, true);
	}
	if (sl_fallback_allowed() & SALLOC_FALLBACK_WIPE) {
		sl_stack_visit_others(wipe_stack, NULL);
		atomic_store(&wiped, true);
	}
}
