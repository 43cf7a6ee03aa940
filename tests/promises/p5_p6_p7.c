// SPDX-License-Identifier: GPL-2.0-only
/*
 * P5: each domain has a key of its own. P6: who owns no region pays nothing. P7: cost follows the pages in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

static pid_t owner(int byte)
{
	pid_t pid = fork();

	shared->ready = 0;
	if (pid == 0) {
		char *page = victim_region(1, NULL);

		memset(page, byte, 4096);
		shared->rounds = (long)page;
		shared->ready = 1;
		for (;;)
			pause();
	}
	victim_wait(&shared->ready);
	usleep(50000);
	return pid;
}

static bool ciphertext(pid_t pid, char *bytes)
{
	char path[64];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	good = pread(fd, bytes, 4096, (off_t)shared->rounds) == 4096;
	close(fd);
	return good;
}

static void keys(void)
{
	static char one[4096], two[4096];
	pid_t first = owner('k'), second;
	bool good = ciphertext(first, one);

	second = owner('k');
	good = good && ciphertext(second, two);
	ok(good && memcmp(one, two, 4096) != 0, "the same contents of two processes are two ciphertexts");
	ok(good && !tap_is_filled(one, 'k', 16), "and neither is the contents");
	victim_end(first);
	victim_end(second);
}

static long total(const char *name)
{
	FILE *file = fopen("/sys/kernel/debug/cryptmem/totals", "r");
	char key[64];
	long value, found = -1;

	while (file && fscanf(file, "%63s %ld", key, &value) == 2)
		if (strcmp(key, name) == 0)
			found = value;
	if (file)
		fclose(file);
	return found;
}

/* 200 times, sleep until another process has answered. It writes to a region if @protect; we to @pages pages at first, then to one. */
static void switches(bool protect, volatile char *own, int pages)
{
	int ping[2], pong[2];
	char byte = 0;
	pid_t pid;

	if (pipe(ping) || pipe(pong))
		return;
	pid = fork();
	if (pid == 0) {
		volatile char *page = protect ? victim_region(1, NULL) : &byte;

		do
			*page = 1;
		while (read(ping[0], &byte, 1) == 1 && write(pong[1], &byte, 1) == 1);
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		for (int page = 0; page < (i ? 1 : pages); page++)
			own[page * 4096] = 'w';
		if (write(ping[1], &byte, 1) != 1 || read(pong[0], &byte, 1) != 1)
			break;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(ping[i]);
		close(pong[i]);
	}
}

static void others(void)
{
	long before = total("switch_seals"), after;
	char own;

	switches(false, &own, 1);
	after = total("switch_seals");
	ok(before >= 0 && after == before, "200 switches of a process without a region: the module has not been called");
	switches(true, &own, 1);
	ok(total("switch_seals") >= after + 100, "control: 200 switches of one with a region: it has");
}

static struct cryptmem_status status(int fd)
{
	struct cryptmem_status s = { .size = sizeof(s) };

	if (ioctl(fd, CRYPTMEM_IOC_STATUS, &s))
		memset(&s, 0xff, sizeof(s));
	return s;
}

static void sparse(void)
{
	size_t pages = 16UL << 18;	/* 16 GiB */
	struct cryptmem_status s;
	char *region;
	int fd;

	region = victim_region(pages, &fd);
	region[0] = region[pages / 2 * 4096] = region[(pages - 1) * 4096] = 1;
	(void)*(volatile char *)(region + 4096 * 77);
	s = status(fd);
	ok(s.mapped_pages == pages && s.used_pages == 3, "16 GiB of region, three pages written: three pages used");
	munmap(region, pages * 4096);
	s = status(fd);
	ok(s.mapped_pages == 0 && s.used_pages == 0 && s.window_pages == 0 && !(s.state & CRYPTMEM_STATE_ACTIVE), "and none after munmap()");
	close(fd);
}

static void ages(void)
{
	enum { PAGES = 24 };
	struct cryptmem_status after;
	bool good = true;
	char *region;
	int fd;

	region = victim_region(PAGES, &fd);
	switches(false, region, PAGES);
	after = status(fd);
	ok(after.window_pages <= PAGES / 4, "%d pages written, then one used: %d left in the window", PAGES, (int)after.window_pages);
	for (int i = 0; i < PAGES; i++)
		good = good && region[i * 4096] == 'w';
	ok(good, "and the others come back");
	munmap(region, PAGES * 4096);
	close(fd);
}

static void many(void)
{
	enum { MANY = 3000 };
	static char *region[MANY];
	bool good = true;
	int fd = open(CRYPTMEM_DEVICE, O_RDWR);

	for (int i = 0; i < MANY && good; i++) {
		region[i] = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		good = region[i] != MAP_FAILED;
		if (good)
			region[i][i % 4096] = (char)i;
	}
	for (int i = 0; i < MANY && good; i++)
		good = region[i][i % 4096] == (char)i;
	ok(good && status(fd).regions == MANY, "%d regions in one process", MANY);
	for (int i = 0; i < MANY; i++)
		munmap(region[i], 4096);
	ok(status(fd).regions == 0, "and none after munmap()");
	close(fd);
}

int main(void)
{
	victim_setup();
	keys();
	others();
	sparse();
	ages();
	many();
	return tap_done();
}
