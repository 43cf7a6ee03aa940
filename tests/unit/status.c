// SPDX-License-Identifier: LGPL-2.1-or-later
/* salloc_status(), and how its struct grows. */
#include <errno.h>
#include <salloc.h>
#include <string.h>

#include "backend_test.h"
#include "tap.h"

static struct salloc_status ask(void)
{
	struct salloc_status status = { .size = sizeof(status) };

	if (salloc_status(&status))
		status.size = 0;
	return status;
}

static void before_anything(void)
{
	struct salloc_status status;

	backend_test.open_error = ENOSYS;
	status = ask();
	ok(status.size == sizeof(status) &&
	   status.protection == SALLOC_PROTECTION_NONE &&
	   status.state == SALLOC_STATE_UNAVAILABLE && status.error == ENOSYS,
	   "no module: unavailable, ENOSYS");
	backend_test.open_error = 0;
	backend_test.state = SALLOC_STATE_READY;
	status = ask();
	ok(status.protection == SALLOC_PROTECTION_KERNEL && !status.error &&
	   status.state == SALLOC_STATE_READY && !status.mapped,
	   "module, no block yet: ready");
}

static void limits(uint64_t mapped)
{
	const size_t pages = mapped / 4096 + 100;
	struct salloc_status status;

	backend_test.max_pages = pages;
	backend_test.user_pages = pages - 7;
	status = ask();
	ok(status.limit == pages * 4096 && status.left == 7 * 4096, "a limit, and what the user's processes have not of it");
	backend_test.user_pages = pages + 7;
	ok(ask().left == 0, "the user has more than that, as the limit has been lowered: nothing left");
	backend_test.max_pages = SIZE_MAX;
	ok(ask().limit == UINT64_MAX && ask().left == UINT64_MAX, "a limit beyond all addresses is none");
	backend_test.max_pages = 0;
	backend_test.user_pages = 0;
}

static void with_blocks(void)
{
	static const unsigned int states[] = {
		SALLOC_STATE_PROTECTED, SALLOC_STATE_TRACED,
		SALLOC_STATE_LOCKED, SALLOC_STATE_BROKEN,
	};
	char *block = salloc(32), *large = salloc(3 << 20);
	struct salloc_status status;
	bool good = true;

	for (size_t i = 0; i < 4; i++) {
		backend_test.state = states[i];
		good &= ask().state == states[i];
	}
	ok(good, "the state is the kernel's");
	status = ask();
	ok(status.allocated == 32 + (3 << 20), "allocated: what ssize says");
	ok(status.mapped == (64 << 20) + (3 << 20), "mapped: the regions");
	ok(status.used == status.mapped, "used: as the backend says, in bytes");
	ok(status.limit == UINT64_MAX && status.left == UINT64_MAX, "no limit: as much as there is");
	limits(status.mapped);
	sfree(large);
	sfree(block);
	ok(ask().allocated == 0 && ask().mapped == 64 << 20, "after sfree");
	backend_test.open_error = EMFILE;
	ok(!ask().size && errno == EMFILE,
	   "blocks, but no way to ask about them: an error");
	backend_test.open_error = 0;
	backend_test.fail_at = backend_test.calls + 2;
	backend_test.fail_error = EPERM;
	ok(!ask().size && errno == EPERM, "the kernel's error is passed on");
}

/* Programs that were compiled with another version's struct. */
static void other_versions(void)
{
	struct {
		struct salloc_status known;
		char later[24];
	} grown;
	struct salloc_status status;

	memset(&grown, 0x77, sizeof(grown));
	grown.known.size = sizeof(grown);
	ok(!salloc_status(&grown.known) &&
	   grown.known.size == sizeof(grown.known) &&
	   tap_is_filled(grown.later, 0x77, sizeof(grown.later)),
	   "a larger struct: what is known is filled in, and no more");
	memset(&status, 0x77, sizeof(status));
	status.size = 39;
	ok(salloc_status(&status) && errno == EINVAL && status.state == 0x77777777,
	   "a smaller struct than the first: EINVAL, nothing written");
	status.size = 0;
	ok(salloc_status(&status) && errno == EINVAL, "size 0: EINVAL");
	status.size = 40;
	ok(!salloc_status(&status) && status.size == 40 && status.limit == 0x7777777777777777,
	   "the first struct: no more than its 40 bytes are written");
	ok(sizeof(status) == 56, "no holes");
}

int main(void)
{
	before_anything();
	with_blocks();
	other_versions();
	ok(!backend_test.handles, "no descriptor is left open");
	return tap_done();
}
