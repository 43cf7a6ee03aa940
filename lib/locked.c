// SPDX-License-Identifier: LGPL-2.1-or-later
#include "locked.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "maps.h"
#include "page.h"
#include "resident.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24	/* since Linux 5.18 */
#endif

uint64_t sl_locked_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur / PAGE_BYTES;
}

int sl_locked_lock(void *start, size_t length)
{
	return mlock2(start, length, MLOCK_ONFAULT) ? -errno : 0;
}

int sl_locked_map(size_t length, bool wipe, void **start)
{
	void *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err;

	if (map == MAP_FAILED)
		return -errno;
	err = sl_locked_lock(map, length);
	if (!err && (madvise(map, length, MADV_DONTDUMP) || (wipe && madvise(map, length, MADV_WIPEONFORK))))
		err = -errno;
	if (err) {
		munmap(map, length);
		return err;
	}
	*start = map;
	return 0;
}

bool sl_locked_is_region(const struct sl_map *map)
{
	return !map->shared && !map->inode;
}

int sl_locked_discard(void *start, size_t length)
{
	sl_resident_wipe(start, length);
	/* An older kernel keeps the memory, all zero as it is. */
	madvise(start, length, MADV_DONTNEED_LOCKED);
	return 0;
}
