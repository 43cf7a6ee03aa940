// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nobody (the user) can do to the module by its own border: requests and sizes that there are not, pointers that lead nowhere, mmap()
 * with everything that it takes, and as much of everything as it is given. Others go on meanwhile, and in the end all is given back.
 *
 * hostile_abi [SEED]
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../unit/tap.h"
#include "bystander.h"
#include "machine.h"
#include "victim.h"

#ifndef MAP_32BIT
#define MAP_32BIT	0	/* only x86 has it */
#endif

#define PARAMETER	"/sys/module/cryptmem/parameters/"
#define CGROUP		"/sys/fs/cgroup/hostile"
/* Longer than any of it takes, on kernels that watch themselves, too. */
#define SECONDS		300

static struct tap_random random_state;
static int device;
static sigjmp_buf again;

static unsigned long any(unsigned long below)
{
	return tap_random(&random_state, below);
}

static void caught(int signal)
{
	siglongjmp(again, signal);
}

/* What a touch gives: 0, or a signal. */
static int touch(volatile char *at)
{
	int signal = sigsetjmp(again, 1);

	if (!signal)
		*at = 1;
	return signal;
}

static bool module_is_misc(void)
{
	FILE *f = fopen("/proc/misc", "r");
	bool found = false;
	char name[64];

	while (f && fscanf(f, "%*d %63s", name) == 1)
		found |= strcmp(name, "cryptmem") == 0;
	if (f)
		fclose(f);
	return found;
}

/* Runs @function as nobody. Its messages begin with #. */
static bool as_nobody(bool (*function)(void))
{
	time_t start = time(NULL);
	bool good;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		become_nobody();
		signal(SIGBUS, caught);
		signal(SIGSEGV, caught);
		device = open(CRYPTMEM_DEVICE, O_RDWR);
		good = device >= 0 && function();
		fflush(stdout);
		_exit(!good);
	}
	good = ends_well(pid, SECONDS);
	tap_note("%ld s", (long)(time(NULL) - start));
	return good;
}

static bool complain(const char *what, unsigned long a, unsigned long b, int err)
{
	printf("# %s: %#lx %#lx: %s\n", what, a, b, strerror(err));
	return false;
}

/* Whether an answer of the four requests is one that the header knows. */
static bool is_answer(int err)
{
	return !err || err == EINVAL || err == E2BIG || err == EFAULT || err == ERANGE || err == EOVERFLOW || err == ENOMEM;
}

static bool request_is_ours(unsigned int request)
{
	return request >= CRYPTMEM_IOC_QUERY && request <= CRYPTMEM_IOC_DISCARD;
}

/* Every number with every direction, and any: only four are requests. */
static bool requests(void)
{
	static char bytes[16384];

	for (unsigned int i = 0; i < 256 * 4 * 64 + 20000; i++) {
		unsigned int size = i & 63 ? (unsigned int)any(4097) : 0;
		unsigned int request = _IOC(i >> 6 & 3, CRYPTMEM_IOC_MAGIC, i >> 8 & 255, size);

		if (request_is_ours(request))
			continue;
		if (ioctl(device, request, bytes) == 0 || errno != ENOTTY)
			return complain("a request that there is not", request, 0, errno);
	}
	return true;
}

/* Every size, at the end of what is mapped, with and without something in it. */
static bool sizes(void)
{
	static const unsigned int known[] = { 72, 128, 16, 24 };
	unsigned char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *end = pages + 2 * 4096;

	munmap(end, 4096);
	for (unsigned int nr = 0; nr < 4; nr++) {
		for (unsigned int size = 0; size <= 4096; size++) {
			for (unsigned int kind = 0; kind < 3; kind++) {
				unsigned int room = kind == 2 || size < 4 ? 4 + (unsigned int)any(size + 1) : size;
				unsigned char *at = end - room;
				bool small = size < known[nr];
				int err;

				memset(pages, kind == 1 ? (int)any(256) : 0, 2 * 4096);
				memcpy(at, &size, 4);
				err = ioctl(device, _IO(CRYPTMEM_IOC_MAGIC, nr), at) ? errno : 0;
				if (!is_answer(err))
					return complain("an answer that there is not", nr, size, err);
				if (small && err != EINVAL)
					return complain("too small, and not EINVAL", nr, size, err);
				if (!small && room < size && !err && kind == 2)
					return complain("more than there is room for", nr, size, err);
				/* Nothing written beside it. */
				if (kind != 1 && at > pages && at[-1])
					return complain("written in front of it", nr, size, err);
			}
		}
	}
	return true;
}

static bool pointers(void)
{
	char *readable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *region = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	unsigned long bad[] = { 0, 1, 4095, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0xdead000000000000, 0xffff888000000000,
		0xffffffff81000000, 0xffffffffff600000, ~0UL, ~7UL };

	for (unsigned int nr = 0; nr < 4; nr++)
		for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
			if (ioctl(device, _IO(CRYPTMEM_IOC_MAGIC, nr), bad[i]) == 0 || errno != EFAULT)
				return complain("a bad pointer", nr, bad[i], errno);
	*(unsigned int *)readable = 4096;
	mprotect(readable, 4096, PROT_READ);
	for (unsigned int nr = 0; nr < 2; nr++)
		if (ioctl(device, _IO(CRYPTMEM_IOC_MAGIC, nr), readable) == 0 || errno != EFAULT)
			return complain("memory that cannot be written to", nr, 0, errno);
	/* In a region of its own: as good as any memory. And to be discarded while it is read. */
	((struct cryptmem_query *)region)->size = 72;
	if (ioctl(device, CRYPTMEM_IOC_QUERY, region) || ((struct cryptmem_query *)region)->page_size != 4096)
		return complain("a query into a region", 0, 0, errno);
	*(struct cryptmem_discard *)region = (struct cryptmem_discard){ .size = 24, .addr = (unsigned long)region, .len = 4096 };
	if (ioctl(device, CRYPTMEM_IOC_DISCARD, region) || *region)
		return complain("a discard that discards itself", 0, 0, errno);
	for (int i = 0; i < 20000; i++) {
		struct cryptmem_discard discard = { .size = 24, .flags = any(8) ? 0 : 1, .addr = any(2) ? (unsigned long)region : any(~0UL),
			.len = any(2) ? 4096UL << any(52) : any(~0UL) };

		if (!is_answer(ioctl(device, CRYPTMEM_IOC_DISCARD, &discard) ? errno : 0))
			return complain("discard", discard.addr, discard.len, errno);
	}
	return true;
}

static bool mappings(void)
{
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE };
	static const int flags[] = { 0, MAP_POPULATE, MAP_LOCKED, MAP_NORESERVE, MAP_GROWSDOWN, MAP_STACK, MAP_HUGETLB, MAP_SYNC, MAP_NONBLOCK,
		MAP_32BIT, MAP_FIXED_NOREPLACE };
	int made = 0;

	for (int i = 0; i < 4000; i++) {
		int kind = kinds[any(3)], flag = flags[any(11)] | flags[any(11)], prot = (int)any(8);
		unsigned long length = any(3) ? 4096 * any(100) : (1UL << any(64)) + any(3) - 1;
		off_t offset = any(3) ? 0 : (off_t)(4096UL << any(52));
		bool fixed = !any(4) && length < 1UL << 40;
		volatile char *p = mmap(fixed ? (void *)0x100000000000 : NULL, length, prot, kind | flag | (fixed ? MAP_FIXED : 0), device, offset);

		if (p == MAP_FAILED)
			continue;
		if (kind == MAP_PRIVATE || offset || (prot & PROT_EXEC))
			return complain("mmap() took what it must refuse", (unsigned long)kind, (unsigned long)offset, 0);
		made++;
		if (mprotect((void *)p, length, PROT_READ | PROT_EXEC) == 0)
			return complain("a region became executable", length, 0, 0);
		mprotect((void *)p, length, PROT_READ | PROT_WRITE);
		if (touch(p) || touch(p + length - 1))
			return complain("a touch of a new region", (unsigned long)flag, length, EFAULT);
		munmap((void *)p, length);
	}
	printf("# %d of 4000 were regions\n", made);
	return made > 100;
}

/* All regions of the quota; a child of fork() then has none, and must not fall over it. */
static bool all_regions(void)
{
	long n = 0;
	char *last = NULL, *p;
	pid_t pid;

	while ((p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0)) != MAP_FAILED) {
		last = p;
		*p = 1;
		/* Or neighbours become one. */
		mmap(p - 8192, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		n++;
	}
	if (errno != EDQUOT || n != 1000)
		return complain("regions until none is left", (unsigned long)n, 1000, errno);
	pid = fork();
	if (pid == 0)
		_exit(touch(last) != SIGBUS);
	if (!ends_well(pid, SECONDS))
		return complain("a child of one who has all regions: not SIGBUS", 0, 0, 0);
	munmap(last, 4096);
	return mmap(NULL, 4096, PROT_READ, MAP_SHARED, device, 0) != MAP_FAILED || complain("one region again", 0, 0, errno);
}

static bool all_pages(void)
{
	unsigned long half = 1UL << 39;
	char *p = mmap(NULL, half, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	char *q = mmap(NULL, half, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);

	if (p == MAP_FAILED || q == MAP_FAILED)
		return complain("a TiB of regions", 0, 0, errno);
	if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, device, 0) != MAP_FAILED || errno != EDQUOT)
		return complain("more than a TiB", 0, 0, errno);
	for (int i = 0; i < 200; i++)
		if (touch(p + any(half)) || touch(q + any(half)))
			return complain("a touch somewhere", 0, 0, EFAULT);
	return true;
}

static void *sleep_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* As many keys as it has processes. */
static bool all_keys(void)
{
	static pid_t pids[100];
	pthread_t thread;
	int n = 0;

	for (; n < 100; n++) {
		pids[n] = fork();
		if (pids[n] < 0)
			break;
		if (pids[n] == 0) {
			char *p;

			/* So the machine has to be stopped for it. */
			if (pthread_create(&thread, NULL, sleep_for_ever, NULL))
				_exit(2);
			p = victim_region(4, NULL);
			for (int i = 0; i < 20; i++) {
				p[i % 4 * 4096] = (char)i;
				usleep(20000);
			}
			_exit(p[3 * 4096] != 19);
		}
	}
	printf("# %d processes with a key each\n", n);
	for (int i = 0; i < n; i++)
		if (!ends_well(pids[i], SECONDS))
			return complain("one of many owners", (unsigned long)i, 0, 0);
	return n > 64;
}

/* More pages than its cgroup may have: what is written to a region counts as its own memory. */
static bool all_memory(void)
{
	char *p = mmap(NULL, 512UL << 20, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);

	for (unsigned long i = 0; i < 512UL << 20; i += 4096)
		if (touch(p + i))
			return true;
	return complain("512 MiB in a cgroup of 48", 0, 0, 0);
}

static bool is_charged(void)
{
	pid_t pid;
	int status;
	char text[32];

	victim_set("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(CGROUP, 0755);
	if (!victim_set(CGROUP "/memory.max", "48M"))
		return false;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		snprintf(text, sizeof(text), "%d", getpid());
		if (!victim_set(CGROUP "/cgroup.procs", text))
			_exit(3);
		become_nobody();
		signal(SIGBUS, caught);
		device = open(CRYPTMEM_DEVICE, O_RDWR);
		_exit(!all_memory());
	}
	waitpid(pid, &status, 0);
	rmdir(CGROUP);
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) : (unsigned long)time(NULL);
	long domains, regions;
	char text[200];

	random_state.state = seed;
	tap_note("seed %lu", seed);
	victim_setup();
	domains = module_total("domains");
	regions = module_total("regions");
	bystander_start();
	ok(as_nobody(requests), "a request that there is not: ENOTTY, whatever its number, direction and size");
	ok(as_nobody(sizes), "the four requests with every size from 0 to 4096: what the header says, and nothing beside it");
	ok(as_nobody(pointers), "bad pointers: EFAULT; into a region: as into any memory");
	ok(as_nobody(mappings), "mmap() with any flags, offset and length");
	ok(!module_is_misc(), "it is no misc device: those are opened one at a time, on the whole machine");
	victim_set(PARAMETER "max_regions", "1000");
	ok(as_nobody(all_regions), "all regions of the quota: EDQUOT; a child then has SIGBUS; one given back can be had");
	victim_set(PARAMETER "max_regions", "65536");
	ok(as_nobody(all_pages), "all pages of the quota: EDQUOT");
	ok(as_nobody(all_keys), "as many keys as processes");
	/* There the kernel reclaims for minutes beside a bystander that never sleeps; p4_memory tests the same alone. */
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || MACHINE_SLOW)
		ok(true, "what is written to a region counts against the memory cgroup # SKIP takes minutes with one CPU or a slow cipher, see p4_memory");
	else
		ok(is_charged(), "what is written to a region counts against the memory cgroup of who writes it");
	ok(bystander_end(text, sizeof(text)), "another owner goes on meanwhile: %s", text);
	for (int i = 0; i < 500 && (module_total("domains") > domains || module_total("regions") > regions); i++)
		usleep(10000);
	ok(module_total("domains") <= domains && module_total("regions") <= regions, "in the end all is given back (%ld domains, %ld regions)",
	   module_total("domains"), module_total("regions"));
	return tap_done();
}
