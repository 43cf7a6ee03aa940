// SPDX-License-Identifier: LGPL-2.1-or-later
/* salloc_guarded(), salloc_ro() and the like: what is out of reach, and what is noticed. */
#include <errno.h>
#include <salloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend_test.h"
#include "tap.h"

#define PAGE	((size_t)4096)
#define LARGE	((size_t)1 << 20)

static sigjmp_buf out;

/* The compiler would warn of what is done here, were it to see it. */
static void *get(size_t size)
{
	void *block;

	__asm__("" : "+r"(size));
	block = salloc_guarded(size);
	__asm__("" : "+r"(block));
	return block;
}

static void caught(int signal)
{
	siglongjmp(out, signal);
}

/* Whether a byte can be read, or written to. */
static bool reads(const volatile char *at)
{
	if (sigsetjmp(out, 1))
		return false;
	(void)*at;
	return true;
}

static bool writes(volatile char *at)
{
	if (sigsetjmp(out, 1))
		return false;
	*at = *at;
	return true;
}

static bool is_guarded(size_t size)
{
	size_t before = size ? -size & (PAGE - 1) : PAGE, mapped = backend_test.mapped;
	char *block = get(size), *first;
	bool good;

	if (!block)
		return false;
	first = block - before;
	good = ssize(block) == size && tap_is_filled(block, 0, size) && backend_test.mapped == mapped + 1;
	memset(block, 0xa5, size);
	good &= (!size || (writes(block) && writes(block + size - 1))) && !reads(block + size) && !writes(block + size) &&
		!reads(block + size + PAGE - 1) && !reads(first - 1) && !writes(first - PAGE) && reads(first) == (before || size);
	sfree(block);
	return good && !reads(block);
}

static void placed(void)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 32, 100, 4095, 4096, 4097, 8192, 100000, LARGE, 3 * LARGE + 1 };
	struct salloc_status before = { .size = sizeof(before) }, during = before, after = before;
	bool good;
	void *block;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		ok(is_guarded(sizes[i]), "%zu bytes: before and behind, nothing can be touched", sizes[i]);
	block = get(24);
	ok(!((uintptr_t)block & 7), "a multiple of 8 is aligned to 8");
	salloc_status(&before);
	good = !get(PTRDIFF_MAX) && errno == ENOMEM && !get(SIZE_MAX) && errno == ENOMEM;
	ok(good, "more than there can be: ENOMEM");
	sfree(block);
	block = get(1000);
	salloc_status(&during);
	sfree(block);
	salloc_status(&after);
	ok(during.allocated == before.allocated - 24 + 1000 && after.allocated == before.allocated - 24, "what is allocated is counted");
}

static void free_it(void *block)
{
	sfree(block);
}

static void move_it(void *block)
{
	sfree(srealloc(block, 77));
}

static void free_inner(void *block)
{
	sfree((char *)block - 1);
}

static void noticed(void)
{
	char *block = get(100), *other = get(PAGE - 1);

	bool good = true;

	for (size_t before = 1; before <= PAGE - 100; before += before < 20 ? 1 : 499) {
		block[-(ptrdiff_t)before] ^= 1;
		good &= tap_aborts(free_it, block, "write before block", block);
		block[-(ptrdiff_t)before] ^= 1;
	}
	ok(good, "what is written in front of it is noticed when it is freed");
	block[-1] ^= 0x80;
	ok(tap_aborts(move_it, block, "write before block", block), "and when it is moved");
	block[-1] ^= 0x80;
	other[-1] ^= 1;
	ok(tap_aborts(free_it, other, "write before block", other), "a byte is enough of a canary");
	other[-1] ^= 1;
	ok(tap_aborts(free_inner, block, "sfree of inner pointer", block - 1), "not its beginning");
	sfree(other);
	sfree(block);
	ok(tap_aborts(free_it, block, "sfree of foreign pointer", block), "freed twice");
}

static void moved(void)
{
	char *block = get(40), *same;
	bool good;

	memset(block, 3, 40);
	same = srealloc(block, 40);
	ok(same == block, "the same size: the same block");
	block = srealloc(block, 5000);
	good = block && ssize(block) == 5000 && tap_is_filled(block, 3, 40) && tap_is_filled(block + 40, 0, 4960) && !reads(block + 5000);
	block = srealloc(block, 20);
	good &= block && ssize(block) == 20 && tap_is_filled(block, 3, 20) && !reads(block + 20);
	ok(good, "srealloc() gives another that is guarded");
	good = !salloc_noaccess(block);
	block = srealloc(block, 30);
	ok(good && block && tap_is_filled(block, 3, 20) && writes(block), "of one that may not be touched, too");
	sfree(block);
}

static bool all_ways(char *block, size_t size)
{
	char *last = block + size - 1;
	bool good = !salloc_ro(block) && reads(block) && reads(last) && !writes(block) && !writes(last);

	good &= !salloc_noaccess(block) && !reads(block) && !reads(last) && !writes(last);
	good &= !salloc_ro(block) && tap_is_filled(block, 9, size) && !writes(last);
	return good && !salloc_rw(block) && writes(block) && writes(last) && tap_is_filled(block, 9, size);
}

static bool refuses(void *block)
{
	errno = 0;
	if (salloc_ro(block) != -1 || errno != EINVAL)
		return false;
	errno = 0;
	return salloc_noaccess(block) == -1 && errno == EINVAL && salloc_rw(block) == -1 && writes(block);
}

static bool child_has_it(void *block)
{
	return reads(block) && !writes(block) && *(char *)block == 9 && !salloc_rw(block) && writes(block) && (sfree(block), true);
}

static void of_foreign(void *block)
{
	(void)!salloc_ro((char *)block + 1);
}

static void accessed(void)
{
	char *guarded = get(100), *large = salloc(LARGE), *small = salloc(100), *span = salloc(10 * PAGE);

	memset(guarded, 9, 100);
	memset(large, 9, LARGE);
	ok(all_ways(guarded, 100), "a guarded block: read only, nothing, all");
	ok(all_ways(large, LARGE), "one of 1 MiB: the same");
	ok(refuses(small) && refuses(span), "those that share pages: EINVAL");
	ok(tap_aborts(of_foreign, guarded, "salloc_ro of inner pointer", guarded + 1), "not its beginning: the caller is told");
	salloc_ro(guarded);
	ok(tap_child(child_has_it, guarded), "children inherit it, and may change it");
	ok(!writes(guarded), "that is theirs alone");
	sfree(guarded);
	salloc_noaccess(large);
	sfree(large);
	large = get(10);
	salloc_noaccess(large);
	sfree(large);
	ok(!reads(guarded) && !reads(large), "what may not be touched can be freed");
	sfree(small);
	sfree(span);
}

static void compared(void)
{
	unsigned char a[300], b[300];
	bool good = true;

	memset(a, 7, sizeof(a));
	memset(b, 7, sizeof(b));
	good = salloc_equal(a, b, sizeof(a)) == 1 && salloc_equal(a, b + 1, 0) == 1 && salloc_equal(NULL, NULL, 0) == 1;
	for (size_t i = 0; i < sizeof(a); i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			b[i] ^= 1U << bit;
			good &= salloc_equal(a, b, sizeof(a)) == 0 && salloc_equal(a, b, i) == 1;
			b[i] ^= 1U << bit;
		}
		b[i] ^= 0xff;
		good &= !salloc_equal(a, b, sizeof(a));
		b[i] ^= 0xff;
	}
	ok(good, "salloc_equal(): every bit of every byte");
	salloc_zero(a + 1, sizeof(a) - 2);
	ok(a[0] == 7 && a[sizeof(a) - 1] == 7 && tap_is_filled(a + 1, 0, sizeof(a) - 2), "salloc_zero(): all of it, and no more");
}

/* Each call that may fail does, once. */
static void failing(void)
{
	size_t regions, calls, failures = 0;
	bool good = true;
	void *block;

	for (size_t at = 1;; at++) {
		backend_test.calls = 0;
		backend_test.fail_at = at;
		backend_test.fail_error = ENOMEM;
		regions = backend_test.bytes;
		errno = 0;
		block = get(100);
		calls = backend_test.calls;
		backend_test.fail_at = 0;
		if (calls < at) {
			sfree(block);
			break;
		}
		failures++;
		good &= !block && errno == ENOMEM && backend_test.bytes == regions;
	}
	ok(good && failures, "when memory cannot be had: ENOMEM, and nothing is left (%zu times)", failures);
}

int main(void)
{
	signal(SIGSEGV, caught);
	placed();
	noticed();
	moved();
	accessed();
	compared();
	failing();
	return tap_done();
}
