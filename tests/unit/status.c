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
	status.size = sizeof(status) - 1;
	ok(salloc_status(&status) && errno == EINVAL && status.state == 0x77777777,
	   "a smaller struct than the first: EINVAL, nothing written");
	status.size = 0;
	ok(salloc_status(&status) && errno == EINVAL, "size 0: EINVAL");
	ok(sizeof(status) == 40, "the first struct has 40 bytes, no holes");
}

int main(void)
{
	before_anything();
	with_blocks();
	other_versions();
	ok(!backend_test.handles, "no descriptor is left open");
	return tap_done();
}
