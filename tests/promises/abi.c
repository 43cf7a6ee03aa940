// SPDX-License-Identifier: GPL-2.0-only
/*
 * The border: sizes, flags, limits and who may call, as include/uapi/cryptmem.h says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

static int fd;

static int fails(unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) ? errno : 0;
}

static void queries(void)
{
	struct { struct cryptmem_query q; char tail[8]; } big;
	struct cryptmem_query query = { .size = sizeof(query) };

	ok(fails(CRYPTMEM_IOC_QUERY, &query) == 0 && query.abi == CRYPTMEM_ABI_VERSION && query.size == sizeof(query) && query.page_size == 4096 &&
	   query.cipher[0] && (query.features & CRYPTMEM_FEAT_STRICT), "query");
	query.size = sizeof(query) - 1;
	ok(fails(CRYPTMEM_IOC_QUERY, &query) == EINVAL, "too small: EINVAL");
	memset(&big, 0, sizeof(big));
	big.q.size = sizeof(big);
	ok(fails(CRYPTMEM_IOC_QUERY, &big) == 0 && big.q.size == sizeof(query), "larger, with a tail of zeros: fine, and says what it filled in");
	big.q.size = sizeof(big);
	big.tail[7] = 1;
	ok(fails(CRYPTMEM_IOC_QUERY, &big) == E2BIG, "with something in the tail: E2BIG");
	ok(fails(CRYPTMEM_IOC_QUERY, NULL) == EFAULT, "no memory: EFAULT");
	ok(fails(_IO(CRYPTMEM_IOC_MAGIC, 99), &query) == ENOTTY, "unknown request: ENOTTY");
}

static void settings(void)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = 7 };
	struct cryptmem_discard discard = { .size = sizeof(discard) };
	char *page = victim_region(1, NULL);

	ok(fails(CRYPTMEM_IOC_CONFIG, &config) == ERANGE, "a window of 7: ERANGE");
	config.window = 1 << 20;
	ok(fails(CRYPTMEM_IOC_CONFIG, &config) == ERANGE, "a window larger than window_max: ERANGE");
	config.window = 8;
	config.flags = 1U << 3;
	ok(fails(CRYPTMEM_IOC_CONFIG, &config) == EINVAL, "unknown flag: EINVAL");
	ok(fails(CRYPTMEM_IOC_DISCARD, &discard) == EINVAL, "discard nothing: EINVAL");
	discard.addr = (unsigned long)page + 1;
	discard.len = 4096;
	ok(fails(CRYPTMEM_IOC_DISCARD, &discard) == EINVAL, "discard unaligned: EINVAL");
	discard.addr = -4096UL;
	discard.len = 8192;
	ok(fails(CRYPTMEM_IOC_DISCARD, &discard) == EOVERFLOW, "discard around the end: EOVERFLOW");
	discard.addr = (unsigned long)&fd & ~4095UL;
	discard.len = 4096;
	ok(fails(CRYPTMEM_IOC_DISCARD, &discard) == ENOMEM, "discard what is no region: ENOMEM");
	munmap(page, 4096);
}

static int map_fails(int protection, int flags, off_t offset)
{
	return mmap(NULL, 4096, protection, flags, fd, offset) == MAP_FAILED ? errno : 0;
}

static bool in_child(void *unused)
{
	struct cryptmem_status status = { .size = sizeof(status) };
	struct cryptmem_query query = { .size = sizeof(query) };

	(void)unused;
	return map_fails(PROT_READ, MAP_SHARED, 0) == EPERM && fails(CRYPTMEM_IOC_STATUS, &status) == EPERM && fails(CRYPTMEM_IOC_QUERY, &query) == 0;
}

static void mapping(void)
{
	ok(map_fails(PROT_READ, MAP_PRIVATE, 0) == EINVAL, "MAP_PRIVATE: EINVAL");
	ok(map_fails(PROT_READ, MAP_SHARED, 4096) == EINVAL, "not at offset 0: EINVAL");
	ok(map_fails(PROT_READ | PROT_EXEC, MAP_SHARED, 0) == EACCES, "executable: EACCES");
	ok(tap_child(in_child, NULL), "another process's descriptor: EPERM, but query works");
}

static void limits(void)
{
	static const char *const path = "/sys/module/cryptmem/parameters/max_pages";
	char *page;

	victim_set(path, "16");
	ok(mmap(NULL, 17 * 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EDQUOT, "more pages than max_pages: EDQUOT");
	page = mmap(NULL, 16 * 4096, PROT_READ, MAP_SHARED, fd, 0);
	ok(page != MAP_FAILED, "as many as that: fine");
	ok(map_fails(PROT_READ, MAP_SHARED, 0) == EDQUOT, "one more: EDQUOT");
	munmap(page, 16 * 4096);
	ok(map_fails(PROT_READ, MAP_SHARED, 0) == 0, "given back, there is room again");
	victim_set(path, "268435456");
}

static void unloading(void)
{
	char *page = victim_region(1, NULL);
	pid_t pid = fork();
	int status;

	page[0] = 1;
	if (pid == 0) {
		close(2);
		execlp("rmmod", "rmmod", "cryptmem", NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 1 && page[0] == 1, "the module cannot be unloaded while there is a region");
	munmap(page, 4096);
}

int main(void)
{
	victim_setup();
	fd = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	queries();
	settings();
	mapping();
	limits();
	unloading();
	return tap_done();
}
