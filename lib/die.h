/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* die: the last words of a process whose heap cannot be trusted. */
#ifndef SL_DIE_H
#define SL_DIE_H

#include <stdnoreturn.h>

/*
 * Writes "libsalloc: WHO WHAT 0xPTR" to standard error, in one piece, and
 * aborts. @who may be NULL. Allocates nothing and takes no lock.
 */
noreturn void sl_die(const char *who, const char *what, const void *ptr);

/* Writes "libsalloc: TEXT" with a newline, and aborts. */
noreturn void sl_die_text(const char *text);

/* The same with "TEXT WHAT". */
noreturn void sl_die_about(const char *text, const char *what);

/*
 * The same because there is no protected memory to be had, and for whom:
 * "libsalloc: WHO: ", and what the negative errno means.
 */
noreturn void sl_die_unprotected(const char *who, int err);

#endif
