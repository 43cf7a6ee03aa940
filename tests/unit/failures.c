// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What happens when the kernel says no: the right errno, nothing lost, nothing
 * leaked, and secrets wiped all the same. Each case has a process of its own,
 * since an arena that is there can hide a failure.
 */
#include <errno.h>
#include <salloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend_test.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)

static bool fails_with(void *block, int error)
{
	if (!block && errno == error)
		return true;
	tap_note("%p, errno %d, not %d", block, errno, error);
	return false;
}

static bool open_fails(void *error)
{
	int wanted = *(int *)error;

	backend_test.open_error = wanted;
	if (!fails_with(salloc(32), wanted) || !fails_with(scalloc(1, 9999), wanted) ||
	    !fails_with(saligned_alloc(64, 5 * MIB), wanted) ||
	    !fails_with(srealloc(NULL, 5), wanted))
		return false;
	backend_test.open_error = 0;
	return salloc(32) != NULL;
}

/* The device was there and is out of sight: that is no ENOSYS. */
static bool gone_later(void *unused)
{
	char *block = salloc(32);

	(void)unused;
	backend_test.open_error = ENOSYS;
	return block && salloc(100) && salloc(40 * MIB) &&
	       fails_with(salloc(70 * MIB), ENOMEM);
}

/* What a program does that means to be safe: no more descriptors, ever. */
static bool no_descriptors(void *unused)
{
	struct rlimit none;
	char *blocks[6] = { salloc(32) };
	bool good = true;

	(void)unused;
	getrlimit(RLIMIT_NOFILE, &none);
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	good &= fails_with(salloc(65 * MIB), EMFILE);
	for (int i = 0; i < 6; i++) {
		size_t size = i < 3 ? (size_t)40 << 5 * i : MIB * i;

		blocks[i] = salloc(size);
		good &= blocks[i] != NULL;
		memset(blocks[i], 0xcc, size);
	}
	for (int i = 0; i < 6; i++) {
		size_t size = ssize(blocks[i]);

		sfree(blocks[i]);
		good &= tap_is_filled(blocks[i], 0, size);
	}
	return good;
}

static bool no_descriptors_from_start(void *unused)
{
	struct rlimit limit, none = { 0, 0 };

	(void)unused;
	getrlimit(RLIMIT_NOFILE, &limit);
	none.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	if (!fails_with(salloc(32), EMFILE))
		return false;
	setrlimit(RLIMIT_NOFILE, &limit);
	return salloc(32) != NULL;
}

/* Little is allowed: arenas get smaller, and use all that there is. */
static bool little_allowed(void *unused)
{
	size_t got = 0;

	(void)unused;
	backend_test.bytes_max = 3 * MIB + 8192;
	while (salloc(4096))
		got += 4096;
	return fails_with(NULL, EDQUOT) && got >= 3 * MIB - 65536 &&
	       fails_with(salloc(2 * MIB), EDQUOT);
}

static bool little_space(void *unused)
{
	(void)unused;
	backend_test.largest = 100000;
	return salloc(4096) && fails_with(salloc(200000), ENOMEM) &&
	       salloc(32) && backend_test.bytes <= 100000;
}

/* No room for the allocator's own records either. */
static bool no_space(void *unused)
{
	struct rlimit limit, none;
	bool good;

	(void)unused;
	getrlimit(RLIMIT_AS, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	setrlimit(RLIMIT_AS, &none);
	good = fails_with(salloc(32), ENOMEM) && !backend_test.mapped;
	setrlimit(RLIMIT_AS, &limit);
	return good && salloc(32);
}

/* One process does not take all that its user may have. */
static bool share_of_limit(void *unused)
{
	(void)unused;
	backend_test.max_pages = 16384;
	return salloc(32) && backend_test.bytes == 4 * MIB;
}

static bool discard_fails(void *unused)
{
	char *block = salloc(500000);
	size_t size = ssize(block);

	(void)unused;
	memset(block, 0xdd, size);
	backend_test.discard_error = EIO;
	sfree(block);
	return tap_is_filled(block, 0, size) && !backend_test.discarded &&
	       salloc(500000) == block;
}

/* Calls of every kind, that go through every kind of call to the backend. */
static bool all_kinds(void)
{
	static const size_t sizes[] = { 16, 3000, 60000, 300000, 2 * MIB, 9 * MIB,
					48 };
	char *blocks[8] = { 0 };
	bool good = true;
	size_t i;

	for (i = 0; i < 7; i++) {
		blocks[i] = scalloc(1, sizes[i]);
		if (!blocks[i])
			blocks[i] = scalloc(1, sizes[i]);
		good &= blocks[i] && tap_is_filled(blocks[i], 0, sizes[i]);
		memset(blocks[i], 0x3c, sizes[i]);
	}
	blocks[7] = saligned_alloc(2 * MIB, 3 * MIB);
	if (!blocks[7])
		blocks[7] = saligned_alloc(2 * MIB, 3 * MIB);
	good &= blocks[7] && (uintptr_t)blocks[7] % (2 * MIB) == 0;
	for (i = 0; i < 7; i++) {
		char *larger = srealloc(blocks[i], sizes[i] * 2);

		if (!larger) {
			good &= tap_is_filled(blocks[i], 0x3c, sizes[i]);
			larger = srealloc(blocks[i], sizes[i] * 2);
		}
		good &= larger && tap_is_filled(larger, 0x3c, sizes[i]);
		blocks[i] = larger;
	}
	for (i = 0; i < 8; i++)
		sfree(blocks[i]);
	/* More pages than may stay stale. */
	for (i = 0; i < 8; i++)
		blocks[i] = salloc(65536);
	for (i = 0; i < 8; i++)
		sfree(blocks[i]);
	return good;
}

struct nth {
	size_t number;
	int error;
};

static bool fail_nth(void *argument)
{
	struct nth *nth = argument;
	struct salloc_status status = { .size = sizeof(status) };

	backend_test.fail_at = nth->number;
	backend_test.fail_error = nth->error;
	if (all_kinds() && backend_test.calls >= nth->number &&
	    !backend_test.handles && !salloc_status(&status) &&
	    !status.allocated)
		return true;
	tap_note("with call %zu to the backend failing", nth->number);
	return false;
}

static bool count_calls(void *shared)
{
	bool good = all_kinds();

	*(size_t *)shared = backend_test.calls;
	return good;
}

/* Each in a child of its own: this process must not come to have an arena. */
static void each_in_turn(void)
{
	static const int errors[] = { EMFILE, EDQUOT, ENOMEM };
	size_t *calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool good = tap_child(count_calls, calls);

	if (!ok(good && *calls > 15, "all kinds of calls: %zu to the backend",
		*calls))
		return;
	for (size_t e = 0; e < tap_rounds(3) && e < 3; e++) {
		good = true;
		for (size_t i = 1; i <= *calls && good; i++) {
			struct nth nth = { i, errors[e] };

			good &= tap_child(fail_nth, &nth);
		}
		ok(good, "each call to the backend fails once with errno %d",
		   errors[e]);
	}
}

int main(void)
{
	static int errors[] = { ENOSYS, EACCES, EMFILE, ENFILE, ENOMEM, EDQUOT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		ok(tap_child(open_fails, &errors[i]),
		   "open fails: errno %d is passed on, and it can be had later",
		   errors[i]);
	ok(tap_child(gone_later, NULL), "device gone: the arena serves, then ENOMEM");
	ok(tap_child(no_descriptors, NULL),
	   "no descriptors any more: the arena serves, and frees wipe");
	ok(tap_child(no_descriptors_from_start, NULL),
	   "no descriptors at first: EMFILE, works later");
	ok(tap_child(little_allowed, NULL), "quota: used up, then EDQUOT");
	ok(tap_child(little_space, NULL), "address space: smaller arenas");
	ok(tap_child(no_space, NULL), "no address space: ENOMEM, works later");
	ok(tap_child(share_of_limit, NULL), "an arena is 1/16 of what is allowed");
	ok(tap_child(discard_fails, NULL), "a failed discard is wiped by hand");
	each_in_turn();
	return tap_done();
}
