// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzzer for libsalloc, for libFuzzer or for replay.c. The bytes of an input
 * are calls of the public functions, one after the other, with all that can go
 * wrong below them; a model in ordinary memory knows what each block must hold
 * and what each call must say. See operations[] for what there is.
 */
#include <errno.h>
#include <salloc.h>
#include <stdint.h>
#include <string.h>

#include "blocks.h"
#include "pool.h"

/* So many pages are written in one input: that is what takes the time. */
#define WORK_MAX	1000
#define PAGE		((size_t)4096)
/* A call up to this size must do, unless something below it failed. */
#define SIZE_SURE	((size_t)64 << 20)
#define MANY_BYTES	(70 * PAGE)
#define REGION_BYTES	((size_t)1 << 20)
#define REGIONS_MANY	130
#define LIVE_MAX	((size_t)512 << 20)

#define NOT_ERRNO	4711

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *next, *end;

static unsigned int take_byte(void)
{
	return next < end ? *next++ : 0;
}

/* A power of two and a bit, or a power of two give or take some bytes. */
static size_t take_size(void)
{
	unsigned int how = take_byte(), low = take_byte();
	unsigned int bits = how & 31;
	size_t power;

	if (bits > 29)
		return (bits == 30 ? (size_t)PTRDIFF_MAX : SIZE_MAX) - low / 8;
	power = (size_t)1 << bits % 24;
	if (how & 128)
		return power + low / 8 < 16 ? 0 : power + low / 8 - 16;
	return power + power * low / 256;
}

static size_t take_alignment(void)
{
	unsigned int how = take_byte();

	if (how >= 250)
		return how - 250;
	if (how >= 240)
		return (size_t)1 << (how - 186);
	return (size_t)1 << how % 24;
}

/* A call that gave NULL has a reason. */
static void check_failure(size_t failed, size_t size, size_t align)
{
	bool sure = size <= SIZE_SURE && align <= SIZE_SURE;

	if (align & (align - 1) || !align) {
		check(errno == EINVAL, "no EINVAL for an odd alignment");
		return;
	}
	check(pool.failed > failed || !sure, "an allocation failed");
	check(errno == ENOMEM || (pool.failed > failed && errno == pool.error),
	      "an allocation failed with another errno");
}

static bool room(void)
{
	return model.count < BLOCKS && model.allocated < LIVE_MAX;
}

static void alloc_checked(void *block, size_t failed, size_t size, size_t align)
{
	struct entry entry = { .block = block, .size = size };

	check(!pool.handles, "a handle is left open");
	if (!block) {
		check_failure(failed, size, align);
		return;
	}
	check(align && !(align & (align - 1)), "an odd alignment worked");
	check(size <= PTRDIFF_MAX, "a block is larger than can be");
	entry.usable = ssize(block);
	/* scalloc() builds upon that: free memory is zero. */
	every_part(&entry, verify_zero);
	adopt(&entry, align < 16 ? 16 : align);
}

static void op_salloc(void)
{
	size_t size = take_size(), failed = pool.failed;

	alloc_checked(salloc(size), failed, size, 16);
}

static void op_scalloc(void)
{
	size_t count = take_size(), size = take_size(), failed = pool.failed;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		bytes = SIZE_MAX;
	alloc_checked(scalloc(count, size), failed, bytes, 16);
}

static void op_saligned_alloc(void)
{
	size_t align = take_alignment(), size = take_size();
	size_t failed = pool.failed;

	alloc_checked(saligned_alloc(align, size), failed, size, align);
}

static void op_many(void)
{
	size_t count = take_byte(), size = take_size(), failed;

	/* More than stay stale, fewer than take long. */
	if (size > MANY_BYTES / 256)
		count = count * (MANY_BYTES / 256) / size;
	while (count-- && room()) {
		failed = pool.failed;
		alloc_checked(salloc(size), failed, size, 16);
	}
}

/* Blocks that are regions; now and then more than the first table of them holds. */
static void op_regions(void)
{
	size_t count = take_byte(), failed;

	/* Long, but once in an input: the next would be over WORK_MAX. */
	count = count != 99 ? count % 4 : REGIONS_MANY;
	while (count-- && room()) {
		failed = pool.failed;
		alloc_checked(salloc(REGION_BYTES), failed, REGION_BYTES, 16);
	}
}

static void release(size_t at)
{
	struct entry entry = forget(at);

	errno = NOT_ERRNO;
	sfree(entry.block);
	check(errno == NOT_ERRNO, "sfree changed errno");
	check(!pool.handles, "a handle is left open");
	verify_wiped(&entry);
}

static void op_sfree(void)
{
	size_t at = take_byte();

	if (model.count)
		release(at % model.count);
}

static void op_sfree_many(void)
{
	size_t at = take_byte() * 4, count = take_byte(), step = take_byte();

	while (count-- && model.count) {
		at %= model.count;
		release(at);
		at += step;
	}
}

static void op_srealloc(void)
{
	size_t at = take_byte(), size = take_size(), failed = pool.failed;
	struct entry old, new;
	unsigned char *block;

	if (!model.count) {
		alloc_checked(srealloc(NULL, size), failed, size, 16);
		return;
	}
	at %= model.count;
	old = model.entries[at];
	every_part(&old, verify);
	block = srealloc(old.block, size);
	check(!pool.handles, "a handle is left open");
	if (!block) {
		check_failure(failed, size, 16);
		every_part(&old, verify);
		return;
	}
	model.entries[at] = model.entries[--model.count];
	model.allocated -= old.usable;
	new = old;
	new.block = block;
	new.size = size;
	new.usable = ssize(block);
	each_part(&new, size < old.usable ? size : old.usable, verify);
	if (block != old.block)
		verify_wiped(&old);
	adopt(&new, 16);
}

static void op_nothing(void)
{
	sfree(NULL);
	check(!ssize(NULL), "ssize of NULL");
	check(salloc_version() != NULL, "no version");
}

/* The first version's struct, which ended with @used; no less will do. */
#define STATUS_FIRST	40

static void check_limit(const struct salloc_status *status)
{
	uint64_t limit = pool.max_pages ? pool.max_pages * PAGE : UINT64_MAX;
	uint64_t left = limit == UINT64_MAX ? limit : limit > status->mapped ? limit - status->mapped : 0;

	if (status->size == sizeof(*status) && !status->error && !pool.unmap_failed)
		check(status->limit == limit && status->left == left, "limit or left is wrong");
}

static void op_status(void)
{
	struct salloc_status status = { .size = sizeof(status) };
	unsigned int kind = take_byte();
	size_t failed = pool.failed;

	if (kind % 2)
		status.size = STATUS_FIRST - (kind % 4 == 1);
	if (salloc_status(&status)) {
		check(status.size < STATUS_FIRST ? errno == EINVAL :
						   pool.failed > failed,
		      "salloc_status failed");
		return;
	}
	check(status.size >= STATUS_FIRST, "a short struct was accepted");
	check_limit(&status);
	check(status.allocated == model.allocated, "allocated is wrong");
	check(pool.unmap_failed || status.mapped == pool.regions_bytes,
	      "mapped is wrong");
	check(status.used == (pool.failed > failed ? 0 : pool.regions_bytes),
	      "used is wrong");
	check(status.error == (pool.failed > failed ? pool.error : 0),
	      "error is wrong");
}

/* While there is a region, the kernel knows what was asked for. */
static void check_guard(void)
{
	const unsigned int told = SALLOC_GUARD_REFUSE | SALLOC_GUARD_HIDE;

	if (pool.regions_bytes && !pool.unmap_failed)
		check(pool.guard == (model.guard & told),
		      "the kernel was not told to guard it so");
}

static void op_guard(void)
{
	const unsigned int policy = SALLOC_GUARD_PARK | SALLOC_GUARD_REFUSE;
	unsigned int flags = take_byte() % 10;
	bool valid = flags < 8 && (flags & policy) != policy;
	size_t failed = pool.failed;

	if (salloc_guard(flags)) {
		check(valid ? pool.failed > failed && errno == pool.error :
			      errno == EINVAL,
		      "salloc_guard failed");
		return;
	}
	check(valid, "odd flags were accepted");
	if (flags & policy)
		model.guard &= ~policy;
	model.guard |= flags;
}

static void op_fail(void)
{
	static const int errors[] = { ENOMEM, EDQUOT, EAGAIN, EMFILE, EACCES,
				      EPERM,  EBADF,  EBUSY,  ENOSYS, ENOTSUP };

	pool.fail_after = take_byte() % 16;
	pool.fail_count = take_byte() % 32;
	pool.fail_error = errors[take_byte() %
				 (sizeof(errors) / sizeof(*errors))];
}

static void op_limits(void)
{
	unsigned int max_pages = take_byte(), bytes = take_byte();

	pool.max_pages = max_pages ? (size_t)1 << max_pages % 20 : 0;
	pool.bytes_max = bytes ? pool.regions_bytes + bytes * 16 * PAGE : 0;
	pool.gap = take_byte() * PAGE;
}

/* Where @ptr is that shall be no block: inside of one, or the start of one? */
static bool is_inner(const unsigned char *ptr, bool *is_block)
{
	for (size_t i = 0; i < model.count; i++) {
		const struct entry *entry = &model.entries[i];
		size_t offset = (uintptr_t)ptr - (uintptr_t)entry->block;

		*is_block = !offset;
		if (offset < entry->usable)
			return offset;
	}
	*is_block = false;
	return false;
}

/* Returns only if the library does not notice. */
static void misuse(unsigned int how, void *ptr)
{
	pool.death_expected = true;
	if (how % 4 == 0)
		sfree(ptr);
	else if (how % 4 == 1)
		check(!ssize(ptr), "no block has a size");
	else
		check(!srealloc(ptr, 1), "no block can be resized");
	pool_wrong("what is no block was accepted");
}

/* Calls with what is no block: each is the end of the process, so of the input. */
static void op_misuse(void)
{
	/* static: longjmp() leaves those as they are. */
	static unsigned int how;
	static unsigned char *ptr;
	static bool inner;
	unsigned int which = take_byte();
	bool is_block;

	how = take_byte();
	ptr = model.graves[which % GRAVES];
	if (how & 4 && model.count) {
		const struct entry *entry = &model.entries[which % model.count];

		ptr = entry->block + 1 + take_size() % entry->usable;
	}
	inner = is_inner(ptr, &is_block);
	if (!ptr || is_block)
		return;
	if (!setjmp(*pool.death))
		misuse(how, ptr);
	check(pool.death_ptr == ptr, "another pointer is blamed");
	check(strncmp(pool.death_what, "corrupted", 9) != 0,
	      "records are blamed");
	check(!inner || !strcmp(pool.death_what, "of inner pointer"),
	      "not called an inner pointer");
	next = NULL;
}

static void (*const operations[])(void) = {
	op_salloc, op_scalloc, op_saligned_alloc, op_srealloc, op_sfree,
	op_many, op_sfree_many, op_status, op_guard, op_fail, op_limits,
	op_nothing, op_misuse, op_srealloc, op_salloc, op_regions,
};

/* Returns whether it came to the end with a library that can go on. */
static bool run(void)
{
	static jmp_buf death;

	pool.death = &death;
	if (setjmp(death))
		return false;
	while (next < end && model.work < WORK_MAX) {
		size_t which = take_byte() % 16;

		if (!room())
			which = 4;
		operations[which]();
		if (!next)
			return false;
		check_guard();
	}
	return true;
}

static void empty(void)
{
	struct salloc_status status = { .size = sizeof(status) };

	pool.fail_count = 0;
	while (model.count)
		release(model.count - 1);
	check(!salloc_status(&status) && !status.allocated,
	      "something is left when all is freed");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	pool_start();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&model, 0, sizeof(model));
	pool_reset();
	next = data;
	end = data + size;
	if (run())
		empty();
	return 0;
}
