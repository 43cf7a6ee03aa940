/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device: regions from the kernel module, by /dev/cryptmem. backend.h says what
 * these do; a handle is a descriptor.
 */
#ifndef SL_DEVICE_H
#define SL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

struct sl_backend_limits;
struct sl_backend_state;
struct sl_map;

/* -ENOSYS: the module is not loaded, or speaks another language. */
int sl_device_open(void);
void sl_device_close(int handle);

int sl_device_limits(int handle, struct sl_backend_limits *limits);
int sl_device_state(int handle, struct sl_backend_state *state);
int sl_device_guard(int handle, unsigned int flags);

int sl_device_map(int handle, size_t length, void **start);
bool sl_device_is_region(const struct sl_map *map);
int sl_device_discard(int handle, void *start, size_t length);

#endif
