// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4 in RAM: pages of a process that sleeps are changed there from outside (tests/promises/tamper), wherever they are: in the window as
 * ciphertext, in the window and wiped, out of the window. Each is a SIGBUS, never wrong data and never an older state; all others are intact.
 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"
#include "sequence.h"

/* More than a window: the first ones have been put out. */
enum { PAGES = 40, WRITTEN = 39, OUT = 5, READ = 0, OLDEST = 9, SMALL = 8 };

static sigjmp_buf again;
static int device, gate[2], full[2];
static unsigned int given[2], gives;	/* pages, to a system call */
static const char *directory;

static void caught(int signal)
{
	siglongjmp(again, signal);
}

static void read_gate(void)
{
	char byte;

	if (read(gate[0], &byte, 1) != 1)
		_exit(2);
}

static volatile unsigned int *fill(void)
{
	volatile unsigned int *words = (void *)victim_region(PAGES, &device);

	signal(SIGBUS, caught);
	/* Twice, so that there is an older state in the store of those that were put out. */
	for (unsigned int round = 2; round--;)
		for (unsigned int i = 0; i < PAGES * 1024; i++)
			words[i] = sequence(i) + round;
	(void)words[READ * 1024];
	shared->rounds = (long)words;
	return words;
}

/* Counts ->command: touches that gave SIGBUS, ->tid: good pages, ->wrong: others, ->others: SIGBUS on waking. */
static void sleeper(void)
{
	const struct sched_param first = { .sched_priority = 1 };
	volatile unsigned int *words, page = 0;

	/* Nobody takes the CPU between its last touch and its sleep: it is to sleep with a window. */
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		exit(2);
	words = fill();
	shared->ready = 1;
	if (sigsetjmp(again, 1))
		shared->others++;
	else
		read_gate();
	for (int round = 0; round < 2; round++)
		for (page = 0; page < PAGES; page++) {
			if (sigsetjmp(again, 1))
				shared->command++;
			else if (sequence_fills(words, page))
				shared->tid++;
			else
				shared->wrong++;
		}
	shared->ready = 2;
	pause();
}

/* Makes the window small, and a page the one that leaves it next; not if it is emptied meanwhile, at a context switch. */
static void make_oldest(volatile unsigned int *words, unsigned int page)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = SMALL };
	unsigned long long before;

	if (ioctl(device, CRYPTMEM_IOC_CONFIG, &config))
		_exit(2);
	victim_discard(device, (char *)words + page * 4096, 1);
	for (unsigned int i = page * 1024; i < (page + 1) * 1024; i++)
		words[i] = sequence(i);
	before = victim_status(device).evictions;
	for (unsigned int i = 0; i < 100 && victim_status(device).evictions < before + SMALL - 1; i++)
		(void)words[(20 + i % 20) * 1024];
}

/* Gives pages to a system call, which waits, and has not looked at them yet. ->command: it was told. ->wrong: it was not. */
static void writer(void)
{
	volatile unsigned int *words = fill();
	struct iovec pages[2];

	if (gives > 1)
		make_oldest(words, given[0]);
	shared->ready = 1;
	for (unsigned int i = 0; i < gives; i++)
		pages[i] = (struct iovec){ (char *)words + given[i] * 4096, 4096 };
	if (sigsetjmp(again, 1)) {
		shared->command++;
	} else {
		/* None of it: the call has seen that it cannot be had. */
		if (writev(full[1], pages, (int)gives) < 0)
			shared->tid++;
		else
			shared->wrong++;
	}
	shared->ready = 2;
	pause();
}

static void save_ciphertext(pid_t pid, unsigned int page)
{
	char path[128], bytes[4096];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	if (pread(fd, bytes, sizeof(bytes), (off_t)shared->rounds + page * 4096) != sizeof(bytes))
		tap_note("ciphertext: not read");
	close(fd);
	snprintf(path, sizeof(path), "%s/page%02u", directory, page);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	/* A part that is nowhere else: not the whole, so that the buffer here is no place. */
	if (write(fd, bytes + 1000, 64) != 64)
		tap_note("ciphertext: not saved");
	close(fd);
	memset(bytes, 0, sizeof(bytes));
}

/* Changes them. Where they were found is said in @places. */
static void change(pid_t pid, const unsigned int *pages, int count, int *places)
{
	char path[128], line[32];
	FILE *file;

	for (int i = 0; i < count; i++)
		save_ciphertext(pid, pages[i]);
	puts("@dump-ram");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(2);
	snprintf(path, sizeof(path), "%s/flipped", directory);
	file = fopen(path, "r");
	for (int i = 0; i < count; i++) {
		places[i] = 0;
		if (!file || fscanf(file, "%d", &places[i]) != 1)
			tap_note("%s: not as expected", path);
		snprintf(path, sizeof(path), "%s/page%02u", directory, pages[i]);
		unlink(path);
	}
	if (file)
		fclose(file);
}

static pid_t start(void (*what)(void))
{
	pid_t pid;

	pid = fork();
	if (pid == 0)
		what();
	victim_wait(&shared->ready);
	usleep(200000);
	return pid;
}

static void finish(pid_t pid)
{
	for (int i = 0; i < 1000 && shared->ready != 2 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		usleep(10000);
}

static void asleep(void)
{
	static const unsigned int pages[] = { READ, OUT, WRITTEN };
	int places[3];
	pid_t pid = start(sleeper);

	change(pid, pages, 3, places);
	ok(places[0] >= 1 && places[1] >= 1 && places[2] >= 1, "the ciphertext of three pages is found in RAM, and changed there (%d, %d, %d times)",
	   places[0], places[1], places[2]);
	if (write(gate[1], "", 1) != 1)
		exit(2);
	finish(pid);
	ok(shared->ready == 2 && shared->others == 1, "its owner gets a SIGBUS when it wakes (%ld)", shared->others);
	ok(shared->command == 6 && !shared->wrong, "and one at each touch of each of them (%d), never wrong data (%ld)", shared->command, shared->wrong);
	ok(shared->tid == 2 * (PAGES - 3), "all the others are intact (%d)", shared->tid);
	ok(victim_log("pages in its window were tampered with: SIGBUS") != NULL, "and the log says so");
	victim_end(pid);
}

/* @also: what it has to bring in after that, 0: nothing. Whether it was told by a signal. */
static bool in_a_call(unsigned int page, unsigned int also)
{
	static char junk[1 << 16];
	int places[1];
	bool told;
	pid_t pid;

	if (pipe(full) || write(full[1], junk, sizeof(junk)) != sizeof(junk))
		exit(2);
	given[0] = page;
	given[1] = also;
	gives = also ? 2 : 1;
	pid = start(writer);
	change(pid, &page, 1, places);
	ok(places[0] >= 1, "the ciphertext of a page that a system call waits to read is found in RAM, and changed there (%d times)", places[0]);
	if (read(full[0], junk, sizeof(junk)) != sizeof(junk))
		exit(2);
	finish(pid);
	told = shared->ready == 2 && shared->command;
	ok(shared->ready == 2 && shared->command + shared->tid == 1 && !shared->wrong, "its owner is told: by a signal (%d) or the result (%d)",
	   shared->command, shared->tid);
	victim_end(pid);
	for (int i = 0; i < 2; i++)
		close(full[i]);
	return told;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	directory = argv[1];
	victim_setup();
	if (pipe(gate))
		return 2;
	asleep();
	in_a_call(WRITTEN, 0);
	/* For which the one that was changed has to go. Where it was not there any more, the call was told, and it is tried again. */
	for (int i = 0; i < 5 && !in_a_call(OLDEST, OUT); i++)
		tap_note("the window was emptied");
	return tap_done();
}
