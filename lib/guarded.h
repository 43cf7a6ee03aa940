/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guarded: blocks with pages of their own, between two that nobody may touch. A
 * block ends where its pages end, so the first byte behind it is out of reach;
 * what is left in front of it, in its first page, is filled with a canary.
 *
 * The heap's lock is held in all functions.
 */
#ifndef SL_GUARDED_H
#define SL_GUARDED_H

#include <stddef.h>

struct region;

/* A block of @size bytes, all zero. Returns 0 or a negative errno. */
int sl_guarded_create(size_t size, struct region **region);
/* Aborts the process if something was written in front of it. It is readable. */
void sl_guarded_check(const struct region *region);

#endif
