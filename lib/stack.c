// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stack.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "backend.h"
#include "page.h"

/* A region is never executable, so no stack that is made of one is. */
static int map(size_t length, void **start)
{
	int handle = sl_backend_open();
	int err;

	if (handle < 0)
		return handle;
	err = sl_backend_map(handle, length, start);
	sl_backend_close(handle);
	return err;
}

int sl_stack_enter(size_t size, void (*body)(void))
{
	ucontext_t context;
	size_t length;
	void *start;
	int err;

	if (size > PTRDIFF_MAX - 2 * PAGE_BYTES)
		return -ENOMEM;
	size = (size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	length = size + PAGE_BYTES;
	err = map(length, &start);
	if (err)
		return err;
	/* In the place of its lowest page, not beside it: nobody else gets in between. */
	if (mmap(start, PAGE_BYTES, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ||
	    getcontext(&context)) {
		err = -errno;
		sl_backend_unmap(start, length);
		return err;
	}
	context.uc_stack.ss_sp = (char *)start + PAGE_BYTES;
	context.uc_stack.ss_size = size;
	context.uc_link = NULL;
	makecontext(&context, body, 0);
	setcontext(&context);
	err = -errno;
	sl_backend_unmap(start, length);
	return err;
}
