// SPDX-License-Identifier: LGPL-2.1-or-later
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "maps.h"
#include "page.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447	/* since Linux 5.14, on all machines that have it */
#endif

/* The file system that all of them are in. */
static _Atomic dev_t home;

static int open_secret(void)
{
	int fd = syscall(SYS_memfd_secret, O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool sl_secret_is_there(void)
{
	int fd = open_secret();

	if (fd >= 0)
		syscall(SYS_close, fd);
	/* When there is no descriptor left, it is there. */
	return fd >= 0 || fd == -EMFILE || fd == -ENFILE;
}

/*
 * Has a page have memory, and says if it cannot: a system call writes to it, and
 * is told what would be SIGBUS otherwise.
 */
static int touch(char *page)
{
	if (!syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, page, sizeof(uint64_t)))
		return explicit_bzero(page, sizeof(uint64_t)), 0;
	return errno == EFAULT ? -EAGAIN : -errno;
}

static int populate(char *start, size_t length)
{
	int err = 0;

	for (size_t at = 0; at < length && !err; at += PAGE_BYTES)
		err = touch(start + at);
	return err;
}

int sl_secret_map_shared(size_t length, void **start)
{
	int fd = open_secret(), err = 0;
	struct stat stat;
	void *map;

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)length) || fstat(fd, &stat))
		err = -errno;
	map = err ? MAP_FAILED : mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!err && map == MAP_FAILED)
		err = -errno;
	syscall(SYS_close, fd);
	if (err)
		return err;
	err = populate(map, length);
	if (err) {
		munmap(map, length);
		return err;
	}
	atomic_store(&home, stat.st_dev);
	*start = map;
	return 0;
}

int sl_secret_map(size_t length, void **start)
{
	int err = sl_secret_map_shared(length, start);

	if (!err && madvise(*start, length, MADV_DONTFORK)) {
		err = -errno;
		munmap(*start, length);
	}
	return err;
}

bool sl_secret_is_region(const struct sl_map *map)
{
	return map->shared && makedev(map->major, map->minor) == atomic_load(&home) &&
	       !strncmp(map->name, "/secretmem", strlen("/secretmem"));
}

/* The memory stays: only with the last mapping does it go. */
int sl_secret_discard(void *start, size_t length)
{
	explicit_bzero(start, length);
	return 0;
}
