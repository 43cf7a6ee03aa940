// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * salloc_guard(): what was asked for is in force whenever there is a block, or
 * there is no block. The test backend forgets it as the kernel does. Each case
 * has a process of its own, as an arena stays for good.
 */
#include <errno.h>
#include <pthread.h>
#include <salloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "backend_test.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)
#define PARK	SALLOC_GUARD_PARK
#define REFUSE	SALLOC_GUARD_REFUSE
#define HIDE	SALLOC_GUARD_HIDE

static bool guard_fails(unsigned int flags, int error)
{
	errno = 0;
	return salloc_guard(flags) == -1 && errno == error &&
	       !backend_test.handles;
}

static bool alloc_fails(size_t size, int error)
{
	void *block;

	errno = 0;
	block = salloc(size);
	return !block && errno == error && !backend_test.handles;
}

static bool before_blocks(void *unused)
{
	(void)unused;
	return !salloc_guard(REFUSE | HIDE) && !backend_test.guard &&
	       !backend_test.mapped && !backend_test.handles && salloc(32) &&
	       backend_test.guard == (REFUSE | HIDE) && !backend_test.handles;
}

static bool with_blocks(void *unused)
{
	(void)unused;
	return salloc(32) && !backend_test.guard && !salloc_guard(REFUSE) &&
	       backend_test.guard == REFUSE && !backend_test.handles;
}

/* The last region goes, and with it what the kernel knows. */
static bool after_last_region(void *unused)
{
	void *block;

	(void)unused;
	salloc_guard(HIDE);
	block = salloc(2 * MIB);
	if (!block || backend_test.guard != HIDE)
		return false;
	sfree(block);
	return !backend_test.guard && salloc(3 * MIB) &&
	       backend_test.guard == HIDE;
}

/* Whatever else the process has told the kernel meanwhile. */
static bool with_each_region(void *unused)
{
	(void)unused;
	if (!salloc(32) || salloc_guard(REFUSE))
		return false;
	backend_test.guard = 0;
	return salloc(2 * MIB) && backend_test.guard == REFUSE;
}

/* Regions that are cut to an alignment are guarded as well. */
static bool aligned_block(void *unused)
{
	(void)unused;
	salloc_guard(REFUSE);
	return saligned_alloc(2 * MIB, 2 * MIB) && backend_test.guard == REFUSE;
}

static bool adds_up(void *unused)
{
	bool good;

	(void)unused;
	good = salloc(32) && !salloc_guard(REFUSE) && !salloc_guard(HIDE) &&
	       backend_test.guard == (REFUSE | HIDE);
	good = good && !salloc_guard(0) && backend_test.guard == (REFUSE | HIDE);
	return good && !salloc_guard(PARK) && backend_test.guard == HIDE;
}

/* The same, before there is a block. */
static bool adds_up_before(void *argument)
{
	const unsigned int *last = argument;

	return !salloc_guard(HIDE) && !salloc_guard(REFUSE) &&
	       !salloc_guard(*last) && salloc(32) &&
	       backend_test.guard == (*last & PARK ? HIDE : REFUSE | HIDE);
}

static bool wrong_flags(void *unused)
{
	size_t calls;
	bool good = true;

	(void)unused;
	salloc_guard(HIDE);
	calls = backend_test.calls;
	good &= guard_fails(PARK | REFUSE, EINVAL);
	good &= guard_fails(PARK | REFUSE | HIDE, EINVAL);
	for (int bit = 3; bit < 32; bit++)
		good &= guard_fails(REFUSE | 1U << bit, EINVAL);
	good &= backend_test.calls == calls;
	return good && salloc(32) && backend_test.guard == HIDE;
}

static bool cannot_open(void *argument)
{
	const int *error = argument;

	backend_test.open_error = *error;
	if (!guard_fails(REFUSE, *error))
		return false;
	backend_test.open_error = 0;
	return salloc(32) && !backend_test.guard;
}

/* Not to be had: nothing is remembered, what was had before still is. */
static bool cannot_guard(void *unused)
{
	(void)unused;
	salloc_guard(HIDE);
	backend_test.guard_error = ENOTSUP;
	if (!guard_fails(REFUSE, ENOTSUP))
		return false;
	backend_test.guard_error = 0;
	return salloc(32) && backend_test.guard == HIDE;
}

/* It was to be had once, and is not when a region is mapped. */
static bool cannot_guard_later(void *argument)
{
	const int *error = argument;

	salloc_guard(REFUSE);
	backend_test.guard_error = *error;
	if (!alloc_fails(32, *error) || !alloc_fails(2 * MIB, *error) ||
	    backend_test.bytes || !backend_test.mapped ||
	    backend_test.mapped != backend_test.unmapped)
		return false;
	backend_test.guard_error = 0;
	return salloc(32) && backend_test.guard == REFUSE;
}

static bool never_asked(void *unused)
{
	(void)unused;
	backend_test.guard_error = ENOTSUP;
	return salloc(32) && salloc(2 * MIB);
}

static bool child_maps(void *unused)
{
	(void)unused;
	return !backend_test.guard && salloc(32) && backend_test.guard == REFUSE;
}

static bool kept_over_fork(void *unused)
{
	(void)unused;
	return !salloc_guard(REFUSE) && tap_child(child_maps, NULL);
}

static pthread_t other;
static atomic_bool other_done, other_was_in;

static void *allocate(void *unused)
{
	(void)unused;
	sfree(salloc(32));
	other_done = true;
	return NULL;
}

/* Time enough for a thread that nothing keeps. */
static void start_other(void)
{
	backend_test.in_guard = NULL;
	pthread_create(&other, NULL, allocate, NULL);
	usleep(100000);
	other_was_in = other_done;
}

static bool locked(void *unused)
{
	(void)unused;
	alarm(60);
	backend_test.in_guard = start_other;
	if (salloc_guard(REFUSE))
		return false;
	pthread_join(other, NULL);
	return !other_was_in && other_done && backend_test.guard == REFUSE;
}

int main(void)
{
	static int errors[] = { ENOSYS, EACCES, EMFILE };
	static int later[] = { ENOTSUP, EBADF, EPERM };
	static unsigned int none, park = PARK;

	ok(tap_child(before_blocks, NULL), "no block yet: in force with the first");
	ok(tap_child(with_blocks, NULL), "blocks: in force at once");
	ok(tap_child(after_last_region, NULL), "again after the last region went");
	ok(tap_child(with_each_region, NULL), "again with each region");
	ok(tap_child(aligned_block, NULL), "for an aligned block too");
	ok(tap_child(adds_up, NULL),
	   "what is not mentioned stays; park takes refusing back, not hiding");
	ok(tap_child(adds_up_before, &park) && tap_child(adds_up_before, &none),
	   "so it is before there is a block");
	ok(tap_child(wrong_flags, NULL),
	   "park and refuse, or an unknown flag: EINVAL, nothing changes");
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		ok(tap_child(cannot_open, &errors[i]),
		   "open fails: errno %d is passed on, nothing changes", errors[i]);
	ok(tap_child(cannot_guard, NULL), "not to be had: ENOTSUP, nothing changes");
	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
		ok(tap_child(cannot_guard_later, &later[i]),
		   "no block without it: salloc fails with errno %d, unmapped",
		   later[i]);
	ok(tap_child(never_asked, NULL), "never asked for: the kernel is not told");
	ok(tap_child(kept_over_fork, NULL), "a child's first block has it");
	ok(tap_child(locked, NULL), "other threads wait meanwhile");
	return tap_done();
}
