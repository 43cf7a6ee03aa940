/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap: what the unit tests have in common. They speak TAP, for prove(1). */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>

/* Looking at memory after it was freed is what many of the tests are about. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#pragma GCC diagnostic ignored "-Wuse-after-free"
#endif

/* One line of TAP; the description is a printf() format. Returns @good. */
#define ok(good, ...) tap_ok(good, __FILE__, __LINE__, __VA_ARGS__)
bool tap_ok(bool good, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The plan, and the exit status of main(). */
int tap_done(void);

/*
 * Runs @function in a child. True when it was ended by SIGABRT after writing
 * exactly "libsalloc: MESSAGE 0xPTR\n", or, @ptr being NULL, no pointer.
 */
bool tap_aborts(void (*function)(void *), void *argument, const char *message,
		const void *ptr);
/* Runs @function in a child. True when it returned true. */
bool tap_child(bool (*function)(void *), void *argument);

/* A number from the environment that makes long tests shorter. */
unsigned long tap_rounds(unsigned long usual);

/* The same numbers for the same seed. */
struct tap_random {
	unsigned long long state;
};

unsigned long tap_random(struct tap_random *random, unsigned long below);

bool tap_is_filled(const void *memory, int byte, size_t length);

#endif
