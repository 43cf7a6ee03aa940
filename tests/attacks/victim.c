// SPDX-License-Identifier: GPL-2.0-only
#include "victim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "knob.h"

struct shared *shared;

void victim_setup(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
}

char *victim_region(size_t pages, int *fd)
{
	int device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	char *region;

	if (device < 0) {
		perror(CRYPTMEM_DEVICE);
		_exit(2);
	}
	region = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	if (region == MAP_FAILED) {
		perror("mmap of a region");
		_exit(2);
	}
	if (fd)
		*fd = device;
	else
		close(device);
	return region;
}

/* Not a string constant: those lie in ordinary memory. */
void victim_make_secret(char *secret)
{
	for (int i = 0; i < SECRET_LEN; i++)
		secret[i] = (char)(0xa0 ^ (i * 37));
}

bool victim_was_looted(void)
{
	char secret[SECRET_LEN];

	victim_make_secret(secret);
	return memcmp((const void *)shared->loot, secret, SECRET_LEN) == 0;
}

void victim_end(pid_t victim)
{
	kill(victim, SIGKILL);
	waitpid(victim, NULL, __WALL);
	memset(shared, 0, sizeof(*shared));
}

bool victim_wait(volatile int *word)
{
	for (int i = 0; i < 10000 && !*word; i++)
		usleep(1000);
	return *word != 0;
}

void victim_run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		exit(2);
}

bool victim_goes_on(volatile long *rounds)
{
	long before = *rounds;

	for (int i = 0; i < 10000 && *rounds < before + 3; i++)
		usleep(1000);
	return *rounds >= before + 3;
}

bool victim_stands_still(volatile long *rounds)
{
	long before;

	usleep(300000);
	before = *rounds;
	usleep(300000);
	return *rounds <= before + 1;
}

bool victim_set(const char *path, const char *value)
{
	return knob_set(path, value, 0);
}

bool victim_place(const void *code, char *place, size_t size)
{
	unsigned long start = 0, end = 0, offset = 0, at = (unsigned long)code;
	char line[512], path[PATH_MAX] = "";
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%lx-%lx %*s %lx %*s %*s %400s", &start, &end, &offset, path) == 4 && start <= at && at < end;
	if (maps)
		fclose(maps);
	snprintf(place, size, "%s:%#lx", path, at - start + offset);
	return found;
}

bool victim_watch(const char *functions)
{
	static const char filter[] = "/sys/kernel/tracing/set_ftrace_filter", tracer[] = "/sys/kernel/tracing/current_tracer";

	/* In this order: an empty filter is that for all functions. */
	if (!victim_set(tracer, "nop"))
		return false;
	close(open(filter, O_WRONLY | O_TRUNC));
	return !functions || (victim_set(filter, functions) && victim_set(tracer, "function"));
}

void *victim_absent_page(int *fd)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	range.range.start = (unsigned long)page;
	range.range.len = 4096;
	if (*fd < 0 || page == MAP_FAILED || ioctl(*fd, UFFDIO_API, &api) || ioctl(*fd, UFFDIO_REGISTER, &range)) {
		perror("userfaultfd");
		_exit(2);
	}
	return page;
}

bool victim_page_is_awaited(int fd)
{
	struct pollfd one = { fd, POLLIN, 0 };
	struct uffd_msg message;

	return poll(&one, 1, 10000) == 1 && read(fd, &message, sizeof(message)) == sizeof(message) && message.event == UFFD_EVENT_PAGEFAULT;
}

bool victim_supply_page(int fd, void *page, const void *bytes)
{
	struct uffdio_copy copy = { .dst = (unsigned long)page, .src = (unsigned long)bytes, .len = 4096 };

	return ioctl(fd, UFFDIO_COPY, &copy) == 0;
}

void victim_get(const char *path, char *value, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, value, size - 1);

	if (fd >= 0)
		close(fd);
	value[got > 0 ? got : 0] = 0;
	value[strcspn(value, "\n")] = 0;
}

long victim_field(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	char word[64];
	long value = -1;

	while (f && fscanf(f, "%63s %ld%*[^\n]", word, &value) == 2 && strcmp(word, name))
		value = -1;
	if (f)
		fclose(f);
	return value;
}

char *victim_log(const char *text)
{
	static char log[1 << 20];
	int size = klogctl(3 /* read all */, log, sizeof(log) - 1);

	log[size > 0 ? size : 0] = 0;
	return strstr(log, text);
}

void victim_discard(int fd, char *start, size_t pages)
{
	struct cryptmem_discard discard = { .size = sizeof(discard), .addr = (unsigned long)start, .len = pages * 4096 };

	if (ioctl(fd, CRYPTMEM_IOC_DISCARD, &discard)) {
		perror("discard");
		_exit(2);
	}
}

struct cryptmem_status victim_status(int fd)
{
	struct cryptmem_status s = { .size = sizeof(s) };

	if (ioctl(fd, CRYPTMEM_IOC_STATUS, &s))
		memset(&s, 0xff, sizeof(s));
	return s;
}
