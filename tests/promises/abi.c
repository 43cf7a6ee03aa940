// SPDX-License-Identifier: GPL-2.0-only
/*
 * The border: sizes, flags, limits and who may call, as include/uapi/cryptmem.h says.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/*
 * The rules of the header for each request that takes a struct: its size is its first field, and what makes it do nothing is zero. The first
 * version of it had @first bytes.
 */
static void sizes(const char *name, unsigned long request, const void *good, size_t size, size_t first, bool gives)
{
	char bytes[256] = "", large[65536 + 8] = "";
	__u32 *says = (__u32 *)bytes;

	memcpy(bytes, good, size);
	*says = (__u32)first - 1;
	ok(fails(request, bytes) == EINVAL, "%s: too small: EINVAL", name);
	*says = 0;
	ok(fails(request, bytes) == EINVAL, "%s: of no size: EINVAL", name);
	*says = (__u32)size + 8;
	ok(fails(request, bytes) == 0 && *says == size + (gives ? 0 : 8), "%s: larger, with a tail of zeros: fine", name);
	memcpy(bytes, good, size);
	bytes[first] = 0x5a;
	*says = (__u32)first;
	ok(fails(request, bytes) == 0 && *says == first && bytes[first] == 0x5a, "%s: of the first version: fine, and nothing behind it is touched", name);
	memcpy(bytes, good, size);
	*says = (__u32)size + 8;
	bytes[size] = 1;
	ok(fails(request, bytes) == E2BIG, "%s: with something in the tail: E2BIG", name);
	memcpy(large, good, size);
	*(__u32 *)large = sizeof(large);
	ok(fails(request, large) == E2BIG, "%s: larger than a page, if with zeros: E2BIG", name);
	ok(fails(request, NULL) == EFAULT, "%s: no memory: EFAULT", name);
}

static void every_struct(void)
{
	struct cryptmem_query query = { .size = sizeof(query) };
	struct cryptmem_status status = { .size = sizeof(status) };
	struct cryptmem_config config = { .size = sizeof(config) };
	struct cryptmem_discard discard = { .size = sizeof(discard), .len = 4096 };
	char *page = victim_region(1, NULL);

	discard.addr = (unsigned long)page;
	sizes("query", CRYPTMEM_IOC_QUERY, &query, sizeof(query), 72, true);
	sizes("status", CRYPTMEM_IOC_STATUS, &status, sizeof(status), 128, true);
	sizes("config", CRYPTMEM_IOC_CONFIG, &config, sizeof(config), 16, false);
	page[0] = 1;
	sizes("discard", CRYPTMEM_IOC_DISCARD, &discard, sizeof(discard), 24, false);
	ok(page[0] == 0, "discard: what was fine was also done");
	discard.flags = 1;
	page[0] = 1;
	ok(fails(CRYPTMEM_IOC_DISCARD, &discard) == EINVAL && page[0] == 1, "discard: unknown flag: EINVAL, and nothing done");
	config.reserved = 1;
	ok(fails(CRYPTMEM_IOC_CONFIG, &config) == EINVAL, "config: something in reserved: EINVAL");
	munmap(page, 4096);
}

/* Only the first of three pages goes: the second is no region any more. */
static void partial_discard(void)
{
	struct cryptmem_discard discard = { .size = sizeof(discard), .len = 3 * 4096 };
	char *page = victim_region(3, NULL);

	discard.addr = (unsigned long)page;
	page[0] = page[8192] = 1;
	munmap(page + 4096, 4096);
	ok(fails(CRYPTMEM_IOC_DISCARD, &discard) == ENOMEM && page[0] == 0 && page[8192] == 1,
	   "discard over a hole: ENOMEM, and what comes before it is discarded");
	munmap(page, 3 * 4096);
}

static void queries(void)
{
	struct cryptmem_query query = { .size = sizeof(query) };

	ok(fails(CRYPTMEM_IOC_QUERY, &query) == 0 && query.abi == CRYPTMEM_ABI_VERSION && query.size == sizeof(query) && query.page_size == 4096 &&
	   query.cipher[0] && (query.features & CRYPTMEM_FEAT_STRICT), "query");
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
	void *page = mmap(NULL, 4096, protection, flags, fd, offset);

	if (page == MAP_FAILED)
		return errno;
	munmap(page, 4096);
	return 0;
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

/* A parameter of the module's, for as long as a test lasts. */
struct setting {
	const char *path;
	char found[64];
};

static struct setting set(const char *path, const char *value)
{
	struct setting setting = { .path = path };

	victim_get(path, setting.found, sizeof(setting.found));
	if (!setting.found[0] || !victim_set(path, value))
		tap_note("%s: not set", path);
	return setting;
}

static void unset(const struct setting *setting)
{
	ok(victim_set(setting->path, setting->found), "%s is %s again", strrchr(setting->path, '/') + 1, setting->found);
}

/* What all processes of the user have together. */
static bool user_has(__u64 regions, __u64 pages)
{
	struct cryptmem_status status = { .size = sizeof(status) };

	return !ioctl(fd, CRYPTMEM_IOC_STATUS, &status) && status.user_regions == regions && status.user_pages == pages;
}

static void max_pages(void)
{
	struct setting pages = set("/sys/module/cryptmem/parameters/max_pages", "16");
	char *page;

	ok(mmap(NULL, 17 * 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EDQUOT, "more pages than max_pages: EDQUOT");
	page = mmap(NULL, 16 * 4096, PROT_READ, MAP_SHARED, fd, 0);
	ok(page != MAP_FAILED, "as many as that: fine");
	ok(user_has(1, 16), "status: the user has one region, and its pages");
	ok(map_fails(PROT_READ, MAP_SHARED, 0) == EDQUOT, "one more: EDQUOT");
	munmap(page, 16 * 4096);
	ok(map_fails(PROT_READ, MAP_SHARED, 0) == 0, "given back, there is room again");
	unset(&pages);
}

static bool touch(void *page)
{
	return *(volatile char *)page == 1;
}

/* It sees what was written before the fork, and what it writes. */
static int signal_of_child(char *page)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(!touch(page));
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool user_has_with_child(void)
{
	pid_t pid = fork();
	bool two;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	two = user_has(2, 2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return two;
}

static void max_regions(void)
{
	struct setting regions = set("/sys/module/cryptmem/parameters/max_regions", "2");
	char *one = victim_region(1, NULL), *two = victim_region(1, NULL);

	one[0] = 1;
	ok(user_has(2, 2), "status: the user has two regions");
	ok(map_fails(PROT_READ, MAP_SHARED, 0) == EDQUOT, "more regions than max_regions: EDQUOT");
	ok(signal_of_child(one) == SIGBUS && touch(one), "a child that there is no quota for gets SIGBUS, its parent goes on");
	munmap(two, 4096);
	ok(signal_of_child(one) == 0, "a region given back is room for the child's copy");
	ok(user_has_with_child() && user_has(1, 1), "status: a child's is the user's, too, as long as there is the child");
	ok(map_fails(PROT_READ, MAP_SHARED, 0) == 0, "and, when the child has gone, for one of our own");
	munmap(one, 4096);
	unset(&regions);
}

/* Was root's when it opened the device, and is nobody's when it makes a region. */
static bool at_own_expense(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fd = open(CRYPTMEM_DEVICE, O_RDWR);
		_exit(setgid(65534) || setuid(65534) || map_fails(PROT_READ, MAP_SHARED, 0) ||
		      mmap(NULL, 2 * 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED || !user_has(1, 2));
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void accounts(void)
{
	struct setting regions = set("/sys/module/cryptmem/parameters/max_regions", "2");
	char *page = victim_region(1, NULL);

	/* With the child's copy, root has two. */
	ok(user_has(1, 1) && at_own_expense(), "who has become another user has regions at that one's expense");
	munmap(page, 4096);
	unset(&regions);
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
	every_struct();
	partial_discard();
	settings();
	mapping();
	max_pages();
	max_regions();
	accounts();
	unloading();
	return tap_done();
}
