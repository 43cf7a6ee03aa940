// SPDX-License-Identifier: GPL-2.0-only
/*
 * P5: each domain has a key of its own. P6: who owns no region pays nothing. P7: cost follows the pages in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

#define TRACING	"/sys/kernel/tracing/"
#define HOOK	"cm_sched_out"

static void trace_hook(void)
{
	if (!victim_set(TRACING "set_ftrace_filter", HOOK) || !victim_set(TRACING "current_tracer", "function"))
		tap_note("the function tracer does not take " HOOK);
}

/* How often the scheduler has called the module, for whatever task. */
static int hook_calls(void)
{
	FILE *trace = fopen(TRACING "trace", "r");
	char line[256];
	int calls = 0;

	while (trace && fgets(line, sizeof(line), trace))
		calls += line[0] != '#' && strstr(line, ": " HOOK) != NULL;
	if (trace)
		fclose(trace);
	return calls;
}

/* What the process that is switched has to do with the module. */
static void never(void)
{
}

static void owner_of_page(void)
{
	*(volatile char *)victim_region(1, NULL) = 1;
}

static void owner_no_more(void)
{
	int fd;
	char *page = victim_region(1, &fd);

	*(volatile char *)page = 1;
	munmap(page, 4096);
	close(fd);
}

/*
 * The hook's calls in 200 switches of a process; not those of the first few, in which it may still be let go of. At first the caller
 * writes to @pages pages of its own, then to one.
 */
static int switches(void (*become)(void), volatile char *own, int pages)
{
	int ping[2], pong[2], calls = 0;
	char byte = 0;
	pid_t pid;

	if (pipe(ping) || pipe(pong))
		return -1;
	pid = fork();
	if (pid == 0) {
		become();
		while (read(ping[0], &byte, 1) == 1 && write(pong[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	for (int i = -10; i < 200; i++) {
		if (i == 0)
			calls = hook_calls();
		for (int page = 0; page < (i == -10 ? pages : 1); page++)
			own[page * 4096] = 'w';
		if (write(ping[1], &byte, 1) != 1 || read(pong[0], &byte, 1) != 1)
			break;
	}
	calls = hook_calls() - calls;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(ping[i]);
		close(pong[i]);
	}
	return calls;
}

static void others(void)
{
	char own;
	int calls;

	trace_hook();
	calls = switches(owner_of_page, &own, 1);
	ok(calls >= 100, "control: 200 switches of a process with a region: the module has been called (%d times)", calls);
	ok(switches(never, &own, 1) == 0, "200 switches of one that never had any: it has not");
	ok(switches(owner_no_more, &own, 1) == 0, "nor in those of one that has given its last one back");
	victim_set(TRACING "current_tracer", "nop");
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
	s = victim_status(fd);
	ok(s.mapped_pages == pages && s.used_pages == 3, "16 GiB of region, three pages written: three pages used");
	munmap(region, pages * 4096);
	s = victim_status(fd);
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
	switches(never, region, PAGES);
	after = victim_status(fd);
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
	ok(good && victim_status(fd).regions == MANY, "%d regions in one process", MANY);
	for (int i = 0; i < MANY; i++)
		munmap(region[i], 4096);
	ok(victim_status(fd).regions == 0, "and none after munmap()");
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
