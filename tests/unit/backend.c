// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lib/backend.c, the way to the kernel, against a device made of wrapped system
 * calls (ld --wrap). What it does with the real one is for tests in a guest.
 */
#include "../../lib/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <salloc.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <uapi/cryptmem.h>

#include "../../lib/page.h"
#include "tap.h"

#define HANDLE	77

static struct {
	int open_error, query_error, status_error, map_error, discard_error, config_error;
	unsigned int abi, page_size, state;
	unsigned long long features, max_regions;
	int opened, closed, unmapped, wiped, discarded, configured;
	long flags;
	char path[64];
	int map_flags, map_protection;
	long long map_offset;
	struct cryptmem_discard discard;
	struct cryptmem_config config;
} device;

static char memory[8 * 4096] __attribute__((aligned(4096)));

static int answer(int error)
{
	errno = error;
	return error ? -1 : 0;
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list list;

	va_start(list, number);
	if (number == SYS_close) {
		device.closed += va_arg(list, int) == HANDLE;
	} else if (number == SYS_openat && va_arg(list, int) == AT_FDCWD) {
		strncpy(device.path, va_arg(list, const char *),
			sizeof(device.path) - 1);
		device.flags = va_arg(list, int);
		device.opened += !device.open_error;
	}
	va_end(list);
	if (number == SYS_openat && !device.open_error)
		return HANDLE;
	return number == SYS_openat ? answer(device.open_error) : 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	struct cryptmem_query *query = argument;
	struct cryptmem_status *status = argument;

	if (fd != HANDLE)
		return answer(EBADF);
	switch (request) {
	case CRYPTMEM_IOC_QUERY:
		if (query->size != sizeof(*query))
			return answer(EINVAL);
		query->abi = device.abi;
		query->page_size = device.page_size;
		query->max_pages = 123456;
		query->max_regions = device.max_regions;
		query->features = device.features;
		return answer(device.query_error);
	case CRYPTMEM_IOC_STATUS:
		if (status->size != sizeof(*status))
			return answer(EINVAL);
		status->state = device.state;
		status->used_pages = 17;
		status->user_regions = 5;
		status->user_pages = 4711;
		return answer(device.status_error);
	case CRYPTMEM_IOC_CONFIG:
		device.config = *(struct cryptmem_config *)argument;
		device.configured++;
		return answer(device.config_error);
	case CRYPTMEM_IOC_DISCARD:
		device.discard = *(struct cryptmem_discard *)argument;
		device.discarded++;
		return answer(device.discard_error);
	}
	return answer(ENOTTY);
}

void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd,
		  long long offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd,
		  long long offset)
{
	device.map_flags = flags;
	device.map_protection = protection;
	device.map_offset = offset;
	if (at || length > sizeof(memory) || (fd != HANDLE && fd != -1) || device.map_error) {
		errno = device.map_error ? device.map_error : EINVAL;
		return MAP_FAILED;
	}
	return memory;
}

int __wrap_munmap(void *at, size_t length);
int __wrap_munmap(void *at, size_t length)
{
	device.unmapped += at == memory && length == 4096;
	device.wiped += tap_is_filled(at, 0, length);
	return 0;
}

static void reset(void)
{
	memset(&device, 0, sizeof(device));
	device.abi = CRYPTMEM_ABI_VERSION;
	device.page_size = PAGE_BYTES;
	device.max_regions = 6;
}

static bool open_gives(int open_error, int wanted)
{
	reset();
	device.open_error = open_error;
	return sl_backend_open() == wanted && !device.closed;
}

static bool other_module(unsigned int abi, unsigned int page_size, int error)
{
	reset();
	device.abi = abi;
	device.page_size = page_size;
	device.query_error = error;
	return sl_backend_open() == -ENOSYS && device.closed == 1;
}

static void opening(void)
{
	ok(open_gives(0, HANDLE), "open");
	ok(!strcmp(device.path, "/dev/cryptmem"), "the device's path");
	ok(device.flags == (O_RDWR | O_CLOEXEC), "read and write, close on exec");
	ok(open_gives(ENOENT, -ENOSYS) && open_gives(ENXIO, -ENOSYS) &&
	   open_gives(ENODEV, -ENOSYS), "no device: ENOSYS");
	ok(open_gives(EACCES, -EACCES) && open_gives(EMFILE, -EMFILE),
	   "other errors are passed on");
	ok(other_module(2, PAGE_BYTES, 0), "another ABI: ENOSYS, closed");
	ok(other_module(1, 65536, 0), "another page size: ENOSYS, closed");
	ok(other_module(1, PAGE_BYTES, ENOTTY), "not our device: ENOSYS, closed");
	reset();
	sl_backend_close(HANDLE);
	ok(device.closed == 1, "close");
}

static unsigned int state_for(unsigned int kernel)
{
	struct sl_backend_state state = { 0 };

	device.state = kernel;
	return sl_backend_state(HANDLE, &state) ? 99 : state.state;
}

static void asking(void)
{
	struct sl_backend_limits limits;
	struct sl_backend_state state;

	reset();
	ok(!sl_backend_limits(HANDLE, &limits) && limits.max_pages == 123456,
	   "limits");
	ok(state_for(0) == SALLOC_STATE_READY, "no region: ready");
	ok(state_for(CRYPTMEM_STATE_ACTIVE) == SALLOC_STATE_PROTECTED, "active");
	ok(state_for(CRYPTMEM_STATE_ACTIVE | CRYPTMEM_STATE_TRACED) ==
	   SALLOC_STATE_TRACED, "traced");
	ok(state_for(CRYPTMEM_STATE_ACTIVE | CRYPTMEM_STATE_TRACED |
		     CRYPTMEM_STATE_LOCKED) == SALLOC_STATE_LOCKED,
	   "locked outweighs traced");
	ok(state_for(CRYPTMEM_STATE_ACTIVE | CRYPTMEM_STATE_LOCKED |
		     CRYPTMEM_STATE_BROKEN) == SALLOC_STATE_BROKEN,
	   "broken outweighs locked");
	ok(!sl_backend_state(HANDLE, &state) && state.used_pages == 17, "used");
	ok(state.limit_pages == 123456 && state.user_pages == 4711, "the limit, and what the user has of it");
	device.max_regions = 5;
	ok(!sl_backend_state(HANDLE, &state) && state.user_pages == 123456, "there may be no more regions: all of it is taken");
	device.status_error = EPERM;
	ok(sl_backend_state(HANDLE, &state) == -EPERM, "status: EPERM is passed on");
}

static void mapping(void)
{
	void *start = NULL;

	reset();
	ok(!sl_backend_map(HANDLE, 4096, &start) && start == memory, "map");
	ok(device.map_flags == MAP_SHARED && !device.map_offset &&
	   device.map_protection == (PROT_READ | PROT_WRITE),
	   "shared, at offset 0, readable and writable");
	ok(device.discarded == 1 && device.discard.len == 4096 &&
	   device.discard.addr == (uintptr_t)memory &&
	   device.discard.size == sizeof(device.discard) && !device.discard.flags,
	   "the new region is seen to be one");
	device.discard_error = ENOTTY;
	ok(sl_backend_map(HANDLE, 4096, &start) == -EBADF && device.unmapped == 1,
	   "the descriptor became another file: EBADF, unmapped");
	device.map_error = EDQUOT;
	ok(sl_backend_map(HANDLE, 4096, &start) == -EDQUOT, "EDQUOT is passed on");
	device.discard_error = EPERM;
	ok(sl_backend_discard(HANDLE, memory, 8192) == -EPERM &&
	   device.discard.len == 8192, "discard: EPERM is passed on");
	ok(!sl_backend_unmap(memory, 4096) && device.unmapped == 2, "unmap");
}

static bool guard_sets(unsigned int flags, unsigned int wanted)
{
	memset(&device.config, 0x77, sizeof(device.config));
	return !sl_backend_guard(HANDLE, flags) &&
	       device.config.flags == wanted && !device.config.window &&
	       device.config.size == sizeof(device.config) &&
	       !device.config.reserved;
}

static void guarding(void)
{
	reset();
	device.features = ~CRYPTMEM_FEAT_POLICY;
	ok(sl_backend_guard(HANDLE, SALLOC_GUARD_HIDE) == -ENOTSUP &&
	   !device.configured, "a module that knows no policy: ENOTSUP, not asked");
	device.features = CRYPTMEM_FEAT_POLICY;
	ok(guard_sets(SALLOC_GUARD_PARK, CRYPTMEM_CONFIG_PARK), "park");
	ok(guard_sets(SALLOC_GUARD_REFUSE, CRYPTMEM_CONFIG_REFUSE), "refuse");
	ok(guard_sets(SALLOC_GUARD_HIDE, CRYPTMEM_CONFIG_HIDE), "hide");
	ok(guard_sets(SALLOC_GUARD_REFUSE | SALLOC_GUARD_HIDE,
		      CRYPTMEM_CONFIG_REFUSE | CRYPTMEM_CONFIG_HIDE), "both");
	ok(guard_sets(0, 0), "neither");
	device.config_error = EPERM;
	ok(sl_backend_guard(HANDLE, SALLOC_GUARD_HIDE) == -EPERM,
	   "guard: EPERM is passed on");
	device.query_error = ENOTTY;
	ok(sl_backend_guard(HANDLE, SALLOC_GUARD_HIDE) == -EBADF,
	   "the descriptor became another file: EBADF");
}

/* What is chosen is chosen for good: all in a child. */
static bool falls_back(void *unused)
{
	void *start = NULL;
	bool good;
	int handle;

	(void)unused;
	salloc_fallback(SALLOC_FALLBACK_LOCKED);
	/* That there is no descriptor is no reason. */
	good = open_gives(EMFILE, -EMFILE) && open_gives(ENFILE, -ENFILE);
	device.open_error = EACCES;
	handle = sl_backend_open();
	good &= handle > 0 && !sl_backend_map(handle, 4096, &start) && start == memory &&
		sl_backend_level() == SALLOC_PROTECTION_LOCKED;
	/* Wiped before it is unmapped, and no more of it than that. */
	memset(memory, 7, sizeof(memory));
	good &= !sl_backend_unmap(memory, 4096) && device.wiped == 1 && memory[4096] == 7;
	device.open_error = 0;
	return good && sl_backend_open() == handle;
}

int main(void)
{
	if (mlock2(memory, 4096, MLOCK_ONFAULT) == 0)
		ok(tap_child(falls_back, NULL), "no permission, and locked memory will do");
	else
		ok(true, "no permission, and locked memory will do # SKIP no mlock2() here: %s", strerror(errno));
	opening();
	asking();
	guarding();
	mapping();
	return tap_done();
}
