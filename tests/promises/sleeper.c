// SPDX-License-Identifier: GPL-2.0-only
/*
 * P1, the guest's side: victims with 64 pages of words of a sequence, in a region or in ordinary memory, each of which comes to another
 * end. After each the machine's RAM is dumped, see tests/promises/ram. The sequence is computed as it is written: it stands nowhere but
 * where it was written to.
 *
 * sleeper region|ordinary [none|END]...		none: a dump as things are; see also tests/promises/crash and suspend
 */
#include <fcntl.h>
#include <salloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "dump.h"
#include "look.h"
#include "sequence.h"

#define SIZE	(SEQUENCE_PAGES * 4096)
#define FEW_WORDS	(16 * 1024)	/* in fewer pages than a window has */
#define CRASH_DUMPS	3

static bool protect;
static int done[2];	/* the victim's news: a byte when it has written, the end of the file when it has come to its end */

static void nap(void)
{
	for (;;)
		pause();
}

static void *page_by_page(void)
{
	void *pages;

	if (protect)
		return victim_region(SEQUENCE_PAGES, NULL);
	pages = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		_exit(2);
	return pages;
}

static void *from_heap(void)
{
	void *block = protect ? salloc(SIZE) : malloc(SIZE);

	if (!block)
		_exit(2);
	return block;
}

static void end_by_sleep(void *pages)
{
	(void)pages;
	close(done[1]);
	nap();
}

static void end_by_unmap(void *pages)
{
	munmap(pages, SIZE);
	end_by_sleep(NULL);
}

static void end_by_exit(void *pages)
{
	(void)pages;
	exit(0);
}

static void end_by_exec(void *pages)
{
	(void)pages;
	/* What tells of the end is closed by that, as all else. */
	execl("/proc/self/exe", "sleeper", "nap", NULL);
	_exit(2);
}

static void end_by_free(void *block)
{
	if (protect)
		sfree(block);
	else
		free(block);
	end_by_sleep(NULL);
}

/* Works on a few of its pages, for ever: fewer than a window. */
static void end_by_work(void *pages)
{
	close(done[1]);
	for (;;)
		(void)*(volatile unsigned int *)pages;
}

/*
 * Has pages come back, which were put out of the window: they are not written to any more. Sleeps at once: if it were put off its CPU and
 * came back, the window would age.
 */
static void end_by_reading(void *pages)
{
	volatile unsigned int *words = pages;

	close(done[1]);
	usleep(20000);
	for (unsigned int i = 0; i < FEW_WORDS; i += 1024)
		(void)words[i];
	nap();
}

/* Sleeps and works on one of its pages by turns: never for as long as a grace may be. */
static void end_by_naps(void *pages)
{
	close(done[1]);
	for (;;) {
		(void)*(volatile unsigned int *)pages;
		usleep(100);
	}
}

/* Works on without them. */
static void end_by_compute(void *pages)
{
	(void)pages;
	close(done[1]);
	for (volatile unsigned int i = 0;; i++)
		;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(2);
}

/* As work, until the kernel's end, on a CPU of its own. In ordinary memory there is also what the search for keys is to find. */
static void end_by_crash(void *pages)
{
	const unsigned int key[SCHEDULE_KEY] = { 0x9d1cb5e2, 0x4f7a3360, 0xe81d92c7, 0x2b6e05fa };

	stay_on(1);
	if (!protect) {
		look_prepare();
		look_expand(key, (unsigned int *)pages + FEW_WORDS);
	}
	end_by_work(pages);
}

static const struct end {
	const char *name;
	void *(*memory)(void);
	void (*end)(void *memory);
	bool killed, gone, crash;
	unsigned int words;	/* that it writes */
} ends[] = {
	{ "sleep", page_by_page, end_by_sleep, false, false, false, SEQUENCE_WORDS },
	{ "read", page_by_page, end_by_reading, false, false, false, SEQUENCE_WORDS },
	{ "unmap", page_by_page, end_by_unmap, false, false, false, SEQUENCE_WORDS },
	{ "kill", page_by_page, end_by_sleep, true, true, false, SEQUENCE_WORDS },
	{ "exit", page_by_page, end_by_exit, false, true, false, SEQUENCE_WORDS },
	{ "exec", page_by_page, end_by_exec, false, false, false, SEQUENCE_WORDS },
	{ "heap", from_heap, end_by_sleep, false, false, false, SEQUENCE_WORDS },
	{ "free", from_heap, end_by_free, false, false, false, SEQUENCE_WORDS },
	{ "work", page_by_page, end_by_work, false, false, false, FEW_WORDS },
	{ "rest", page_by_page, end_by_sleep, false, false, false, SEQUENCE_WORDS },
	{ "naps", page_by_page, end_by_naps, false, false, false, FEW_WORDS },
	{ "compute", page_by_page, end_by_compute, false, false, false, FEW_WORDS },
	{ "crash", page_by_page, end_by_crash, false, false, true, FEW_WORDS },
	{ "reboot", page_by_page, end_by_crash, false, false, true, FEW_WORDS },
};

static const struct end *end_named(const char *name)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (strcmp(ends[i].name, name) == 0)
			return &ends[i];
	fprintf(stderr, "sleeper: no such end: %s\n", name);
	exit(2);
}

static void victim(const struct end *end)
{
	volatile unsigned int *words = end->memory();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < end->words; i++)
		words[i] = sequence(i);
	if (write(done[1], "", 1) == 1)
		end->end((void *)words);
	_exit(2);
}

/* A victim that did not come to the end it was made for proves nothing: that ends the run. */
static void expect(bool good, const struct end *end, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "sleeper: %s: %s\n", end->name, what);
	exit(2);
}

static void stage(const struct end *end)
{
	int status, want;
	char byte;
	pid_t pid;

	if (pipe2(done, O_CLOEXEC))
		exit(2);
	pid = fork();
	if (pid == 0)
		victim(end);
	if (end->crash)
		stay_on(0);
	close(done[1]);
	expect(read(done[0], &byte, 1) == 1, end, "the victim died before it had written");
	if (end->killed)
		kill(pid, SIGKILL);
	expect(read(done[0], &byte, 1) == 0, end, "the victim is not done");
	close(done[0]);
	want = end->gone ? pid : 0;
	expect(waitpid(pid, &status, end->gone ? 0 : WNOHANG) == want, end, "the victim died");
	/* For longer than any grace. */
	if (strcmp(end->name, "rest") == 0)
		usleep(200000);
	expect(!end->gone || (end->killed ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0), end, "not the end it was to have");
	dump_ram();
	if (end->crash) {
		/* Something else may have run on the victim's CPU just then. */
		for (int more = 1; more < CRASH_DUMPS; more++)
			dump_ram();
		if (strcmp(end->name, "reboot") == 0)
			reboot(RB_AUTOBOOT);
		else
			victim_set("/proc/sysrq-trigger", "c");
	}
	if (end->gone)
		return;
	expect(waitpid(pid, &status, WNOHANG) == 0, end, "the victim died");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "nap") == 0)
		nap();
	if (argc < 3)
		return 2;
	protect = strcmp(argv[1], "region") == 0;
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "none") == 0)
			dump_ram();
		else
			stage(end_named(argv[i]));
	return 0;
}
