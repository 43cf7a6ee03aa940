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
#include "raw.h"
#include "region.h"
#include "secret.h"
#include "stack.h"

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

static void provide(void *start, size_t length, int access, void *wipe)
{
	struct heir *larger = sl_meta_grow(table, count, &capacity, sizeof(*table), FIRST_CAPACITY);
	struct heir heir = { start, length, access, NULL };

	if (!larger) {
		incomplete = true;
		return;
	}
	table = larger;
	if (sl_secret_map_shared(length, &heir.copy)) {
		heir.copy = NULL;
	} else if (!*(const bool *)wipe && !copy(heir.copy, start, length, access)) {
		munmap(heir.copy, length);
		heir.copy = NULL;
	}
	table[count++] = heir;
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

/*
 * Nothing of the C library is used before all is in its place: the program's
 * table of the addresses of functions may be in a page that is not.
 */
static void take_over(void)
{
	long protection = PROT_NONE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	bool all = !incomplete;

	while (count) {
		const struct heir *heir = &table[--count];
		long at = -ENOMEM;

		if (heir->copy)
			at = raw_syscall(SYS_mremap, (long)heir->copy, (long)heir->length, (long)heir->length,
					 MREMAP_MAYMOVE | MREMAP_FIXED, (long)heir->start, 0);
		if (at == (long)heir->start)
			at = raw_syscall(SYS_madvise, at, (long)heir->length, MADV_DONTFORK, 0, 0, 0);
		if (!at && heir->access != (PROT_READ | PROT_WRITE))
			at = raw_syscall(SYS_mprotect, (long)heir->start, (long)heir->length, heir->access, 0, 0, 0);
		if (!at)
			continue;
		/* So that nothing else gets there. */
		raw_syscall(SYS_mmap, (long)heir->start, (long)heir->length, protection, flags, -1, 0);
		all = false;
	}
	if (!all)
		atomic_store(&broken, true);
}

static void lock(void *start, size_t length, int access, void *unused)
{
	(void)access;
	(void)unused;
	if (!sl_locked_lock(start, length))
		return;
	mprotect(start, length, PROT_NONE);
	atomic_store(&broken, true);
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
	if (sl_fallback_allowed() & SALLOC_FALLBACK_WIPE)
		atomic_store(&wiped, true);
}
