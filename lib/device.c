// SPDX-License-Identifier: LGPL-2.1-or-later
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <salloc.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <uapi/cryptmem.h>
#include <unistd.h>

#include "backend.h"
#include "page.h"

/*
 * open() and close() are cancellation points, and things that wrap them in
 * other preloaded libraries may call malloc(): go past both.
 */
static int raw_open(const char *path)
{
	int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int query(int handle, struct cryptmem_query *query)
{
	query->size = sizeof(*query);
	return ioctl(handle, CRYPTMEM_IOC_QUERY, query) ? -errno : 0;
}

/* The file that the device was last: its mappings are regions. */
static _Atomic dev_t device_home;
static _Atomic ino_t device_inode;

static void remember(int handle)
{
	struct stat stat;

	if (fstat(handle, &stat))
		return;
	atomic_store(&device_home, stat.st_dev);
	atomic_store(&device_inode, stat.st_ino);
}

int sl_device_open(void)
{
	struct cryptmem_query answer = { 0 };
	int fd = raw_open(CRYPTMEM_DEVICE);

	if (fd == -ENOENT || fd == -ENXIO || fd == -ENODEV)
		return -ENOSYS;
	if (fd < 0)
		return fd;
	if (query(fd, &answer) || answer.abi != CRYPTMEM_ABI_VERSION ||
	    answer.page_size != PAGE_BYTES) {
		sl_device_close(fd);
		return -ENOSYS;
	}
	remember(fd);
	return fd;
}

void sl_device_close(int handle)
{
	syscall(SYS_close, handle);
}

int sl_device_limits(int handle, struct sl_backend_limits *limits)
{
	struct cryptmem_query answer = { 0 };
	int err = query(handle, &answer);

	limits->max_pages = answer.max_pages;
	return err;
}

int sl_device_state(int handle, struct sl_backend_state *state)
{
	struct cryptmem_status status = { .size = sizeof(status) };
	struct cryptmem_query answer = { 0 };

	/* It answered when it was opened: it is another file by now. */
	if (query(handle, &answer))
		return -EBADF;
	if (ioctl(handle, CRYPTMEM_IOC_STATUS, &status))
		return -errno;
	state->used_pages = status.used_pages;
	state->limit_pages = answer.max_pages;
	/* Of no use are pages for which there may be no region. */
	state->user_pages = status.user_regions < answer.max_regions ? status.user_pages : answer.max_pages;
	state->protection = SALLOC_PROTECTION_KERNEL;
	if (status.state & CRYPTMEM_STATE_BROKEN)
		state->state = SALLOC_STATE_BROKEN;
	else if (status.state & CRYPTMEM_STATE_LOCKED)
		state->state = SALLOC_STATE_LOCKED;
	else if (status.state & CRYPTMEM_STATE_TRACED)
		state->state = SALLOC_STATE_TRACED;
	else if (status.state & CRYPTMEM_STATE_ACTIVE)
		state->state = SALLOC_STATE_PROTECTED;
	else
		state->state = SALLOC_STATE_READY;
	return 0;
}

static uint32_t config_flags(unsigned int flags)
{
	return (flags & SALLOC_GUARD_PARK ? CRYPTMEM_CONFIG_PARK : 0) |
	       (flags & SALLOC_GUARD_REFUSE ? CRYPTMEM_CONFIG_REFUSE : 0) |
	       (flags & SALLOC_GUARD_HIDE ? CRYPTMEM_CONFIG_HIDE : 0);
}

int sl_device_guard(int handle, unsigned int flags)
{
	struct cryptmem_config config = {
		.size = sizeof(config),
		.flags = config_flags(flags),
	};
	struct cryptmem_query answer = { 0 };

	/* It answered when it was opened: it is another file by now. */
	if (query(handle, &answer))
		return -EBADF;
	if (!(answer.features & CRYPTMEM_FEAT_POLICY))
		return -ENOTSUP;
	return ioctl(handle, CRYPTMEM_IOC_CONFIG, &config) ? -errno : 0;
}

int sl_device_map(int handle, size_t length, void **start)
{
	void *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED,
			 handle, 0);

	if (map == MAP_FAILED)
		return -errno;
	/*
	 * Another thread may have closed our descriptor and got its number for
	 * a file of its own. Only a region can be discarded, so this tells.
	 */
	if (sl_device_discard(handle, map, length)) {
		munmap(map, length);
		return -EBADF;
	}
	*start = map;
	return 0;
}

bool sl_device_is_region(const struct sl_map *map)
{
	return map->shared && map->inode && map->inode == atomic_load(&device_inode) &&
	       makedev(map->major, map->minor) == atomic_load(&device_home);
}

int sl_device_discard(int handle, void *start, size_t length)
{
	struct cryptmem_discard discard = {
		.size = sizeof(discard),
		.addr = (uintptr_t)start,
		.len = length,
	};

	return ioctl(handle, CRYPTMEM_IOC_DISCARD, &discard) ? -errno : 0;
}
