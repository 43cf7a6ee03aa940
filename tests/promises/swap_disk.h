/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's disk to swap on: by a loop device over it, as the kernel lets nobody write to a disk that it swaps on. And a cgroup for those who
 * are to be swapped out.
 */
#ifndef SWAP_DISK_H
#define SWAP_DISK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "../attacks/victim.h"

#define SWAP_DISK	"/dev/vda"
#define SWAP_CGROUP	"/tmp/cgroup"

/* Puts the process into the cgroup: what it has touched before is not charged to that. */
static inline bool swap_disk_join(pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	return victim_set(SWAP_CGROUP "/victim/cgroup.procs", text);
}

static inline bool swap_disk_prepare(pid_t pid)
{
	if (system("modprobe loop; loop=$(losetup -f) && losetup $loop " SWAP_DISK " && mkswap $loop >/dev/null 2>&1 && swapon $loop"))
		return false;
	mkdir(SWAP_CGROUP, 0755);
	if (mount("cgroup2", SWAP_CGROUP, "cgroup2", 0, NULL) || !victim_set(SWAP_CGROUP "/cgroup.subtree_control", "+memory"))
		return false;
	mkdir(SWAP_CGROUP "/victim", 0755);
	return swap_disk_join(pid);
}

static inline void swap_disk_reclaim(void)
{
	victim_set(SWAP_CGROUP "/victim/memory.reclaim", "64M");
}

#endif
