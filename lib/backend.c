// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backend.h"

#include <errno.h>
#include <limits.h>
#include <salloc.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "device.h"
#include "fallback.h"
#include "forked.h"
#include "locked.h"
#include "resident.h"
#include "secret.h"

/* No descriptor is as large as that, whatever fs.nr_open is. */
#define HANDLE_SECRET		INT_MAX
#define HANDLE_LOCKED		(INT_MAX - 1)
/* For stacks, in a process whose other regions are of the former kinds. */
#define HANDLE_SECRET_STACK	(INT_MAX - 2)
#define HANDLE_LOCKED_STACK	(INT_MAX - 3)

/* SALLOC_PROTECTION_* of the first region, and of the worst so far. */
static _Atomic unsigned int level, least;

static bool is_fallback(int handle)
{
	return handle >= HANDLE_LOCKED_STACK;
}

/* What a region from there has. */
static unsigned int protection(int handle)
{
	switch (handle) {
	case HANDLE_SECRET:
		return SALLOC_PROTECTION_SECRET;
	case HANDLE_LOCKED:
	case HANDLE_SECRET_STACK:
	case HANDLE_LOCKED_STACK:
		return SALLOC_PROTECTION_LOCKED;
	default:
		return SALLOC_PROTECTION_KERNEL;
	}
}

unsigned int sl_backend_level(void)
{
	return atomic_load(&level);
}

/* What may take the place of the module, which cannot be had because of @err. */
static int open_fallback(int err)
{
	unsigned int allowed;

	/* Descriptors or memory may be there the next time. */
	if (err != -ENOSYS && err != -EACCES && err != -EPERM)
		return err;
	allowed = sl_fallback_allowed();
	if (allowed & SALLOC_FALLBACK_SECRET && sl_secret_is_there())
		return HANDLE_SECRET;
	return allowed & SALLOC_FALLBACK_LOCKED ? HANDLE_LOCKED : err;
}

int sl_backend_open(void)
{
	int handle;

	switch (sl_backend_level()) {
	case SALLOC_PROTECTION_SECRET:
		return HANDLE_SECRET;
	case SALLOC_PROTECTION_LOCKED:
		return HANDLE_LOCKED;
	case SALLOC_PROTECTION_KERNEL:
		return sl_device_open();
	default:
		handle = sl_device_open();
		return handle < 0 ? open_fallback(handle) : handle;
	}
}

int sl_backend_open_stack(void)
{
	int handle = sl_backend_open();

	if (handle == HANDLE_LOCKED)
		return HANDLE_LOCKED_STACK;
	if (handle != HANDLE_SECRET)
		return handle;
	return sl_fallback_allowed() & SALLOC_FALLBACK_LOCKED ? HANDLE_SECRET_STACK : -ENOTSUP;
}

void sl_backend_close(int handle)
{
	if (!is_fallback(handle))
		sl_device_close(handle);
}

int sl_backend_limits(int handle, struct sl_backend_limits *limits)
{
	if (!is_fallback(handle))
		return sl_device_limits(handle, limits);
	limits->max_pages = protection(handle) == SALLOC_PROTECTION_SECRET ? SL_SECRET_LIMIT : sl_locked_limit();
	return 0;
}

int sl_backend_state(int handle, struct sl_backend_state *state)
{
	if (!is_fallback(handle))
		return sl_device_state(handle, state);
	state->limit_pages = sl_locked_limit();
	state->protection = sl_backend_level() ? atomic_load(&least) : protection(handle);
	state->state = sl_backend_level() ? SALLOC_STATE_PROTECTED : SALLOC_STATE_READY;
	if (sl_forked_is_broken())
		state->state = SALLOC_STATE_BROKEN;
	return 0;
}

int sl_backend_guard(int handle, unsigned int flags)
{
	return is_fallback(handle) ? -ENOTSUP : sl_device_guard(handle, flags);
}

static int map(int handle, size_t length, void **start)
{
	switch (handle) {
	case HANDLE_SECRET:
		return sl_secret_map(length, start);
	case HANDLE_LOCKED:
		return sl_locked_map(length, sl_fallback_allowed() & SALLOC_FALLBACK_WIPE, start);
	case HANDLE_SECRET_STACK:
	case HANDLE_LOCKED_STACK:
		return sl_locked_map(length, false, start);
	default:
		return sl_device_map(handle, length, start);
	}
}

int sl_backend_map(int handle, size_t length, void **start)
{
	unsigned int got = protection(handle);
	int err = map(handle, length, start);

	if (err)
		return err;
	if (!sl_backend_level())
		atomic_store(&level, handle == HANDLE_SECRET_STACK ? SALLOC_PROTECTION_SECRET : got);
	if (atomic_load(&least) < got)
		atomic_store(&least, got);
	return 0;
}

bool sl_backend_is_region(const struct sl_map *map)
{
	switch (sl_backend_level()) {
	case SALLOC_PROTECTION_SECRET:
		return sl_secret_is_region(map);
	case SALLOC_PROTECTION_LOCKED:
		return sl_locked_is_region(map);
	default:
		return sl_device_is_region(map);
	}
}

bool sl_backend_tells(void)
{
	return sl_backend_level() != SALLOC_PROTECTION_LOCKED;
}

int sl_backend_discard(int handle, void *start, size_t length)
{
	switch (handle) {
	case HANDLE_SECRET:
		return sl_secret_discard(start, length);
	case HANDLE_LOCKED:
		return sl_locked_discard(start, length);
	default:
		return sl_device_discard(handle, start, length);
	}
}

int sl_backend_unmap(void *start, size_t length)
{
	/* The module does that itself, and so does memfd_secret(), with the last page. */
	if (sl_backend_level() > SALLOC_PROTECTION_KERNEL) {
		/* Pages that nobody may touch, around it: where it cannot be told what has memory, they are wiped, too. */
		mprotect(start, length, PROT_READ | PROT_WRITE);
		sl_resident_wipe(start, length);
	}
	return munmap(start, length) ? -errno : 0;
}
