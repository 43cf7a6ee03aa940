/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* api: what public functions are marked with, and how they say what went wrong. Inside, an error is a negative errno. */
#ifndef SL_API_H
#define SL_API_H

#include <errno.h>
#include <stddef.h>

#define API	__attribute__((visibility("default")))

/* 0, or -1 with errno set. */
static inline int sl_answer(int err)
{
	if (!err)
		return 0;
	errno = -err;
	return -1;
}

/* The block, or NULL with errno set. */
static inline void *sl_answer_block(int err, void *block)
{
	return sl_answer(err) ? NULL : block;
}

#endif
