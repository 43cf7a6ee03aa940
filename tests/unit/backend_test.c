// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backend_test.h"

#include <errno.h>
#include <fcntl.h>
#include <salloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../lib/backend.h"
#include "../../lib/page.h"
#include "backend_module.h"

/* Kernels like to align large mappings. That is not to be relied upon. */
#define SKEW	(3 * PAGE_BYTES)

struct backend_test backend_test;

/* Fails as a system call does: errno is set too. */
static int fail(int error)
{
	if (error)
		errno = error;
	return -error;
}

static int fault(void)
{
	struct backend_test *test = &backend_test;

	return fail(++test->calls == test->fail_at ? test->fail_error : 0);
}

int sl_backend_open(void)
{
	int handle = fail(backend_test.open_error);

	if (!handle)
		handle = fault();
	if (!handle)
		handle = syscall(SYS_openat, AT_FDCWD, "/dev/zero", O_RDWR);
	if (handle == -1)
		handle = -errno;
	if (handle >= 0) {
		backend_test.opened++;
		backend_test.handles++;
	}
	return handle;
}

/* The kernel forgets with the last of both. */
static void forget(void)
{
	if (!backend_test.handles && !backend_test.bytes)
		backend_test.guard = 0;
}

void sl_backend_close(int handle)
{
	syscall(SYS_close, handle);
	backend_test.handles--;
	forget();
}

int sl_backend_limits(int handle, struct sl_backend_limits *limits)
{
	(void)handle;
	limits->max_pages = backend_test.max_pages;
	if (!limits->max_pages)
		limits->max_pages = (uint64_t)1 << 40;
	return fault();
}

int sl_backend_state(int handle, struct sl_backend_state *state)
{
	(void)handle;
	state->protection = SALLOC_PROTECTION_KERNEL;
	state->state = backend_test.state;
	state->used_pages = backend_test.bytes / PAGE_BYTES;
	state->limit_pages = backend_test.max_pages ? backend_test.max_pages : UINT64_MAX;
	state->user_pages = backend_test.user_pages;
	return fault();
}

static int guard_error(void)
{
	const char *error = getenv("BACKEND_TEST_GUARD_ERROR");

	return error ? atoi(error) : backend_test.guard_error;
}

int sl_backend_guard(int handle, unsigned int flags)
{
	int err = fault();

	(void)handle;
	if (backend_test.in_guard)
		backend_test.in_guard();
	if (!err)
		err = fail(guard_error());
	if (err)
		return err;
	if (flags & (SALLOC_GUARD_PARK | SALLOC_GUARD_REFUSE))
		backend_test.guard &= ~SALLOC_GUARD_REFUSE;
	backend_test.guard |= flags & ~SALLOC_GUARD_PARK;
	return 0;
}

int sl_backend_map(int handle, size_t length, void **start)
{
	struct backend_test *test = &backend_test;
	int err = fault();
	char *map;

	if (err)
		return err;
	if (test->largest && length > test->largest)
		return -ENOMEM;
	if (test->bytes_max && test->bytes + length > test->bytes_max)
		return -EDQUOT;
	map = mmap(NULL, length + SKEW, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_NORESERVE, handle, 0);
	if (map == MAP_FAILED)
		return -errno;
	munmap(map, SKEW);
	test->mapped++;
	test->bytes += length;
	*start = map + SKEW;
	return 0;
}

bool sl_backend_is_region(const struct sl_map *map)
{
	return !map->shared && !strcmp(map->name, "/dev/zero");
}

int sl_backend_discard(int handle, void *start, size_t length)
{
	int err = fault();

	(void)handle;
	if (!err)
		err = fail(backend_test.discard_error);
	if (err)
		return err;
	if (madvise(start, length, MADV_DONTNEED))
		return -errno;
	backend_test.discarded++;
	return 0;
}

int sl_backend_unmap(void *start, size_t length)
{
	if (munmap(start, length))
		return -errno;
	backend_test.unmapped++;
	backend_test.bytes -= length;
	forget();
	return 0;
}
