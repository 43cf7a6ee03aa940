/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend_test: the backend of the unit tests. Ordinary memory, which a host
 * without the module has, and failures on demand. Opening takes a descriptor,
 * as the real thing does. guard() also fails with the errno that is in the
 * environment as BACKEND_TEST_GUARD_ERROR: for programs that cannot say it before
 * it is called.
 */
#ifndef BACKEND_TEST_H
#define BACKEND_TEST_H

#include <stddef.h>
#include <stdint.h>

struct backend_test {
	size_t opened, mapped, discarded, unmapped;	/* calls that worked */
	size_t handles;			/* open now */
	size_t bytes;			/* mapped now */
	size_t bytes_max;		/* map() gives EDQUOT above; 0: no limit */
	size_t largest;			/* map() gives ENOMEM above; 0: no limit */
	size_t max_pages;		/* what limits() says; 0: a lot */
	uint64_t user_pages;		/* what all processes of the user have, by state() */
	int open_error;			/* open() gives this errno, unless 0 */
	int discard_error;		/* discard() gives this errno, unless 0 */
	unsigned int state;		/* what state() says */
	unsigned int guard;		/* set now; kept as long as the kernel would */
	int guard_error;		/* guard() gives this errno, unless 0 */
	void (*in_guard)(void);		/* guard() calls this, unless NULL */
	size_t calls;			/* of all that may fail */
	size_t fail_at;			/* that call fails; 0: none */
	int fail_error;			/* with this errno */
};

/* Can be found by a program that the preload library made of this is in. */
extern struct backend_test backend_test
	__attribute__((visibility("default")));

#endif
