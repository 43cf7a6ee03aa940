// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guarded.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "die.h"
#include "forked.h"
#include "page.h"
#include "region.h"

/* The same for all blocks: to know one is to know all, but who can read one is in already. */
static unsigned char canary[16];

static int make_canary(void)
{
	static bool made;

	/* Not getrandom(), where a thread can be cancelled. */
	if (!made && syscall(SYS_getrandom, canary, sizeof(canary), 0) != sizeof(canary))
		return errno ? -errno : -EIO;
	made = true;
	return 0;
}

/* @distance in front of the block. */
static unsigned char canary_at(size_t distance)
{
	return canary[distance % sizeof(canary)];
}

int sl_guarded_create(size_t size, struct region **region)
{
	size_t inner = whole_pages(size ? size : 1);
	unsigned char *start;
	size_t before;
	int err;

	if (size > PTRDIFF_MAX - 3 * PAGE_BYTES)
		return -ENOMEM;
	err = make_canary();
	if (!err)
		err = sl_region_create(inner + 2 * PAGE_BYTES, PAGE_BYTES, region);
	if (err)
		return err;
	err = sl_region_forbid((*region)->start);
	if (!err)
		err = sl_region_forbid((*region)->start + PAGE_BYTES + inner);
	if (err) {
		sl_region_destroy(*region);
		return err;
	}
	start = (unsigned char *)(*region)->start + PAGE_BYTES;
	before = inner - size;
	for (size_t i = 0; i < before; i++)
		start[i] = canary_at(before - i);
	(*region)->guard = PAGE_BYTES;
	(*region)->block = (char *)start + before;
	(*region)->size = size;
	return 0;
}

void sl_guarded_check(const struct region *region)
{
	const unsigned char *start = (const unsigned char *)region->start + region->guard;
	size_t before = (const unsigned char *)region->block - start;
	unsigned char changed = 0, set = 0;

	for (size_t i = 0; i < before; i++) {
		changed |= start[i] ^ canary_at(before - i);
		set |= start[i];
	}
	/* A child that has inherited nothing but zeros has none. */
	if (changed && (set || !sl_forked_is_wiped()))
		sl_die(NULL, "write before block", region->block);
}
