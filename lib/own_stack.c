// SPDX-License-Identifier: LGPL-2.1-or-later
#include "own_stack.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where there is no limit, everything down to the next mapping would belong to it, and what is mapped there later. */
#define MAIN_BYTES	((size_t)64 << 20)

bool sl_own_stack(uintptr_t *start, uintptr_t *end)
{
	bool is_main = syscall(SYS_gettid) == getpid();
	pthread_attr_t attr;
	void *lowest;
	size_t size;
	int err;

	if (pthread_getattr_np(pthread_self(), &attr))
		return false;
	err = pthread_attr_getstack(&attr, &lowest, &size);
	pthread_attr_destroy(&attr);
	if (err)
		return false;
	*end = (uintptr_t)lowest + size;
	*start = is_main && size > MAIN_BYTES ? *end - MAIN_BYTES : (uintptr_t)lowest;
	return true;
}
