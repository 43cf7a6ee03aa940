/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* maps: what is mapped where in this process, by /proc/thread-self/maps and smaps. Allocates nothing, takes no lock. */
#ifndef SL_MAPS_H
#define SL_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct sl_map {
	uintptr_t start, end;
	bool readable, writable, executable, shared;
	uintptr_t major, minor;	/* of the device that has the file */
	uint64_t inode;
	const char *name;	/* its beginning; "" when it has none, or when flags were asked for */
	bool undumped;		/* MADV_DONTDUMP; when flags were asked for. True where they cannot be told */
};

/*
 * Calls @look for each mapping that has a byte in [@start, @end), in ascending
 * order, until it returns something else than 0. Returns that, or 0; -ENOMEM
 * when something in between is not mapped; or the negative errno with which
 * the file cannot be read. @flags, from /proc/thread-self/smaps, take the kernel
 * much longer.
 */
int sl_maps_walk(uintptr_t start, uintptr_t end, bool flags,
		 int (*look)(const struct sl_map *map, void *arg), void *arg);
/* The same, past what is not mapped. */
int sl_maps_walk_mapped(uintptr_t start, uintptr_t end, bool flags,
			int (*look)(const struct sl_map *map, void *arg), void *arg);

#endif
