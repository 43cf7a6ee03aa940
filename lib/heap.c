// SPDX-License-Identifier: LGPL-2.1-or-later
#include "heap.h"

#include <errno.h>
#include <pthread.h>
#include <salloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>

#include "backend.h"
#include "die.h"
#include "fallback.h"
#include "forked.h"
#include "guarded.h"
#include "inplace.h"
#include "pages.h"
#include "region.h"
#include "resident.h"
#include "slab.h"
#include "stack.h"

/* Blocks from this size on are regions of their own. */
#define LARGE_BYTES	((size_t)1 << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t allocated;

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
	sl_forked_before();
}

static void after_fork(void)
{
	sl_forked_parent();
	pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
	sl_forked_child();
	pthread_mutex_unlock(&lock);
}

/*
 * To be done before others register handlers that allocate: theirs have to run
 * while the lock is free. The preload library is called before constructors
 * are, so the first call does it too. Never under the lock: pthread_atfork() may
 * call malloc().
 */
__attribute__((constructor)) static void handle_forks(void)
{
	static atomic_bool done;

	if (atomic_load_explicit(&done, memory_order_relaxed) ||
	    atomic_exchange(&done, true))
		return;
	if (pthread_atfork(before_fork, after_fork, in_child))
		atomic_store(&done, false);
}

static void enter(void)
{
	handle_forks();
	pthread_mutex_lock(&lock);
}

static void leave(void)
{
	pthread_mutex_unlock(&lock);
}

/*
 * What a block of @size bytes that does not share a page takes up: whole pages,
 * and from 64 KiB on steps of 1/16 to 1/8 of it. Only addresses are wasted by
 * that, and a buffer that grows bit by bit is copied seldom.
 */
static size_t span_bytes(size_t size)
{
	size_t step = PAGE_BYTES;

	while (step <= size / 16)
		step *= 2;
	return (size + step - 1) & ~(step - 1);
}

static size_t block_bytes(size_t size)
{
	if (size <= SLAB_BYTES_MAX)
		return sl_slab_bytes(sl_slab_class(size ? size : 1));
	return span_bytes(size);
}

static int alloc_slot(size_t size, void **block)
{
	unsigned int slots = sl_slab_class(size);
	int err;

	*block = sl_slab_take(slots);
	if (!*block) {
		err = sl_pages_grow(1, PAGE_BYTES);
		if (err)
			return err;
		*block = sl_slab_take(slots);
	}
	allocated += sl_slab_bytes(slots);
	return 0;
}

static bool take_span(size_t align, size_t bytes, void **block)
{
	size_t count = bytes / PAGE_BYTES;
	struct page *page = sl_pages_take(count, align, PAGE_SPAN);

	if (!page)
		return false;
	page->count = count;
	*block = sl_pages_address(page);
	allocated += bytes;
	return true;
}

static int alloc_span(size_t align, size_t bytes, void **block)
{
	int err;

	if (take_span(align, bytes, block))
		return 0;
	err = sl_pages_grow(bytes / PAGE_BYTES, align);
	if (!err && !take_span(align, bytes, block))
		err = -ENOMEM;
	return err;
}

static int alloc_region(size_t align, size_t bytes, void **block)
{
	struct region *region;
	int err = sl_region_create(bytes, align, &region);

	if (err) {
		/* Out of regions or of descriptors: an arena may have room. */
		return take_span(align, bytes, block) ? 0 : err;
	}
	*block = region->start;
	allocated += bytes;
	return 0;
}

/* The smallest power of two that is not below @size. */
static size_t power_of_two(size_t size)
{
	size_t power = SLAB_ALIGN;

	while (power < size)
		power *= 2;
	return power;
}

int sl_heap_alloc(size_t align, size_t size, void **block)
{
	size_t bytes;
	int err;

	if (size > PTRDIFF_MAX || align > PTRDIFF_MAX)
		return -ENOMEM;
	if (!size)
		size = 1;
	/* Slots of a power of two lie at multiples of their size. */
	if (align > SLAB_ALIGN && size <= SLAB_BYTES_MAX)
		size = power_of_two(size > align ? size : align);
	bytes = span_bytes(size);
	if (align < PAGE_BYTES)
		align = PAGE_BYTES;

	enter();
	if (size <= SLAB_BYTES_MAX)
		err = alloc_slot(size, block);
	else if (bytes < LARGE_BYTES && align < LARGE_BYTES)
		err = alloc_span(align, bytes, block);
	else
		err = alloc_region(align, bytes, block);
	leave();
	return err;
}

struct block {
	struct region *region;
	struct page *page;	/* NULL: the block is a region */
	unsigned int slot;	/* of a slab */
	size_t bytes;
};

/* Puts an end to the process because of a pointer to a block that was freed. */
static noreturn void die_freed(const char *who, bool freeing, const void *ptr)
{
	if (freeing)
		sl_die(NULL, "double free of", ptr);
	sl_die(who, "of freed block", ptr);
}

static struct block find_in_slab(const char *who, bool freeing,
				 const void *ptr, struct page *page)
{
	int slot = sl_slab_slot(page, ptr);

	if (slot < 0)
		sl_die(who, "of inner pointer", ptr);
	if (!sl_slab_is_taken(page, slot))
		die_freed(who, freeing, ptr);
	return (struct block){ .page = page, .slot = slot,
			       .bytes = sl_slab_bytes(page->slots) };
}

/* Finds the block in use that begins at @ptr, or puts an end to it all. */
static struct block find(const char *who, bool freeing, const void *ptr)
{
	struct region *region = sl_region_find(ptr);
	struct page *page;
	bool taken;

	if (!region)
		sl_die(who, "of foreign pointer", ptr);
	if (!region->arena) {
		if (ptr != region->block)
			sl_die(who, "of inner pointer", ptr);
		return (struct block){ .region = region, .bytes = region->size };
	}
	page = sl_pages_find(region->arena, ptr, &taken);
	if (!page)
		sl_die(who, taken ? "of inner pointer" : "of foreign pointer",
		       ptr);
	if (!taken)
		die_freed(who, freeing, ptr);
	if (page->kind == PAGE_SLAB)
		return find_in_slab(who, freeing, ptr, page);
	if (page->kind != PAGE_SPAN || ptr != sl_pages_address(page))
		sl_die(who, "of inner pointer", ptr);
	return (struct block){ .page = page,
			       .bytes = sl_pages_span_bytes(page) };
}

static void free_region(struct region *region)
{
	/* What is not writable cannot be wiped; what is lost has nothing. */
	if (region->access != SL_LOST && sl_region_access(region, PROT_READ | PROT_WRITE))
		sl_die(NULL, "cannot unmap", region->block);
	if (region->guard && region->access != SL_LOST)
		sl_guarded_check(region);
	sl_region_destroy(region);
}

void sl_heap_free(const char *who, void *ptr)
{
	int saved = errno;
	struct block block;

	enter();
	block = find(who, true, ptr);
	allocated -= block.bytes;
	if (!block.page)
		free_region(block.region);
	else if (block.page->kind == PAGE_SLAB)
		sl_slab_give(block.page, block.slot);
	else
		sl_pages_free_span(block.page);
	leave();
	errno = saved;
}

size_t sl_heap_size(const char *who, const void *ptr)
{
	size_t bytes;

	enter();
	bytes = find(who, false, ptr).bytes;
	leave();
	return bytes;
}

/* A block that is to be moved; what may be done with it until then is in @access, and it may be read and written from now on. */
static struct block find_to_move(const char *who, void *ptr, int *access, int *err)
{
	struct block block;

	enter();
	block = find(who, false, ptr);
	*access = block.region ? block.region->access : PROT_READ | PROT_WRITE;
	*err = block.region ? sl_region_access(block.region, PROT_READ | PROT_WRITE) : 0;
	leave();
	return block;
}

int sl_heap_resize(const char *who, void *ptr, size_t size, void **block)
{
	int access, err;
	struct block old = find_to_move(who, ptr, &access, &err);
	bool guarded = old.region && old.region->guard;
	size_t bytes = old.bytes;

	if (err)
		return err;
	if (size <= PTRDIFF_MAX && bytes == (guarded ? size : block_bytes(size))) {
		*block = ptr;
		return 0;
	}
	err = guarded ? sl_heap_guarded(size, block) : sl_heap_alloc(SLAB_ALIGN, size, block);
	if (err) {
		if (access != (PROT_READ | PROT_WRITE))
			sl_heap_access(who, ptr, access);
		return err;
	}
	memcpy(*block, ptr, bytes < size ? bytes : size);
	sl_heap_free(who, ptr);
	return 0;
}

bool sl_heap_has(const void *ptr)
{
	bool has;

	enter();
	has = sl_region_find(ptr);
	leave();
	return has;
}

int sl_heap_guarded(size_t size, void **block)
{
	struct region *region;
	int err;

	enter();
	err = sl_guarded_create(size, &region);
	if (!err) {
		*block = region->block;
		allocated += region->size;
	}
	leave();
	return err;
}

int sl_heap_access(const char *who, void *ptr, int access)
{
	struct block block;
	int err;

	enter();
	block = find(who, false, ptr);
	err = block.region ? sl_region_access(block.region, access) : -EINVAL;
	leave();
	return err;
}

int sl_heap_guard(unsigned int flags)
{
	int err;

	enter();
	err = sl_region_guard(flags);
	leave();
	return err;
}

int sl_heap_fallback(unsigned int flags)
{
	int err;

	enter();
	err = sl_fallback_set(flags, sl_backend_level());
	leave();
	return err;
}

int sl_heap_protect(void *start, size_t length)
{
	int err;

	/* A program that libsalloc.a is in has this beside its own variables. */
	if ((uintptr_t)&lock - (uintptr_t)start < length)
		return -ENOTSUP;
	enter();
	err = sl_inplace_protect(start, length);
	leave();
	return err;
}

int sl_heap_unprotect(void *start, size_t length)
{
	int err;

	enter();
	err = sl_inplace_unprotect(start, length);
	leave();
	return err;
}

int sl_heap_stack(size_t size, struct sl_stack *stack)
{
	int err;

	enter();
	err = sl_stack_map(size, stack);
	leave();
	return err;
}

void sl_heap_stack_free(struct sl_stack *stack)
{
	enter();
	sl_stack_unmap(stack);
	leave();
}

static void count_locked(void *start, size_t length, int access, void *arg)
{
	struct sl_heap_totals *totals = arg;

	(void)access;
	totals->locked += length;
	totals->resident += sl_resident_bytes(start, length);
}

void sl_heap_totals(struct sl_heap_totals *totals)
{
	enter();
	totals->locked = 0;
	totals->resident = 0;
	if (sl_backend_level() > SALLOC_PROTECTION_KERNEL) {
		sl_region_visit(count_locked, totals);
		sl_stack_visit(count_locked, totals);
		sl_inplace_visit(count_locked, totals);
	}
	totals->regions = sl_region_any();
	totals->allocated = allocated;
	totals->mapped = sl_region_mapped();
	leave();
}
