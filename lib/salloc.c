// SPDX-License-Identifier: LGPL-2.1-or-later
/* What salloc.h promises. */
#include <salloc.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "api.h"
#include "backend.h"
#include "fallback.h"
#include "heap.h"
#include "inplace.h"
#include "own_stack.h"
#include "page.h"
#include "slab.h"

const unsigned int sl_fallback_possible = SALLOC_FALLBACK_SECRET | SALLOC_FALLBACK_LOCKED | SALLOC_FALLBACK_WIPE;

/* How large the struct was in the first version, 0.1. */
#define STATUS_BYTES_MIN \
	(offsetof(struct salloc_status, used) + sizeof(uint64_t))

API void *salloc(size_t size)
{
	void *block = NULL;
	int err = sl_heap_alloc(SLAB_ALIGN, size, &block);

	return sl_answer_block(err, block);
}

API void *scalloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return sl_answer_block(-ENOMEM, NULL);
	/* All that the heap hands out is zero. */
	return salloc(bytes);
}

API void *srealloc(void *ptr, size_t size)
{
	void *block = NULL;
	int err;

	if (!ptr)
		return salloc(size);
	err = sl_heap_resize("srealloc", ptr, size, &block);
	return sl_answer_block(err, block);
}

API void *saligned_alloc(size_t alignment, size_t size)
{
	void *block = NULL;
	int err = -EINVAL;

	if (alignment && !(alignment & (alignment - 1)))
		err = sl_heap_alloc(alignment, size, &block);
	return sl_answer_block(err, block);
}

API void sfree(void *ptr)
{
	if (ptr)
		sl_heap_free("sfree", ptr);
}

/* Whether a range is, in part, of the stack that the caller's thread began with. */
static bool is_on_stack(uintptr_t from, size_t length)
{
	uintptr_t start, end;

	return sl_own_stack(&start, &end) && from < end && from + length > start;
}

API int sprotect(void *addr, size_t len)
{
	size_t length = whole_pages(len);
	int err = sl_inplace_check(addr, length);

	if (!err && is_on_stack((uintptr_t)addr, length))
		err = -ENOTSUP;
	if (!err)
		err = sl_heap_protect(addr, length);
	return sl_answer(err);
}

API int sunprotect(void *addr, size_t len)
{
	return sl_answer(sl_heap_unprotect(addr, whole_pages(len)));
}

API size_t ssize(const void *ptr)
{
	return ptr ? sl_heap_size("ssize", ptr) : 0;
}

API int salloc_has(const void *ptr)
{
	return sl_heap_has(ptr);
}

static uint64_t bytes_of(uint64_t pages)
{
	return pages > UINT64_MAX / PAGE_BYTES ? UINT64_MAX : pages * PAGE_BYTES;
}

/* @locked: what this process has, where the kernel does not say. */
static void fill_limit(struct salloc_status *status, const struct sl_backend_state *state, uint64_t locked)
{
	uint64_t taken = bytes_of(state->user_pages) + locked;

	status->limit = bytes_of(state->limit_pages);
	status->left = status->limit == UINT64_MAX ? UINT64_MAX : status->limit > taken ? status->limit - taken : 0;
}

static int ask(struct salloc_status *status)
{
	struct sl_backend_state state = { .state = SALLOC_STATE_UNAVAILABLE };
	struct sl_heap_totals totals;
	int handle, err;

	sl_heap_totals(&totals);
	status->allocated = totals.allocated;
	status->mapped = totals.mapped;

	handle = sl_backend_open();
	if (handle < 0) {
		status->error = -handle;
		return totals.regions ? handle : 0;
	}
	err = sl_backend_state(handle, &state);
	sl_backend_close(handle);
	status->protection = state.protection;
	status->state = state.state;
	status->used = state.used_pages * PAGE_BYTES + totals.resident;
	fill_limit(status, &state, totals.locked);
	return err;
}

API int salloc_status(struct salloc_status *status)
{
	struct salloc_status now = { .size = sizeof(now) };
	int err = -EINVAL;

	if (status->size >= STATUS_BYTES_MIN)
		err = ask(&now);
	if (err)
		return sl_answer(err);
	if (now.size > status->size)
		now.size = status->size;
	memcpy(status, &now, now.size);
	return 0;
}

API int salloc_guard(unsigned int flags)
{
	return sl_answer(sl_heap_guard(flags));
}

API int salloc_fallback(unsigned int flags)
{
	return sl_answer(sl_heap_fallback(flags));
}

API const char *salloc_version(void)
{
	return SALLOC_VERSION;
}
