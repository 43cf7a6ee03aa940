// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4 in RAM: pages of a process that sleeps are changed there from outside (tests/promises/tamper), wherever they are: in the window as
 * ciphertext, in the window and wiped, out of the window. Each is a SIGBUS, never wrong data and never an older state; all others are intact.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"
#include "sequence.h"

/* More than a window: the first ones have been put out. */
enum { PAGES = 40, WRITTEN = 39, OUT = 5, READ = 0 };

static sigjmp_buf again;
static int gate[2], full[2];
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
	volatile unsigned int *words = (void *)victim_region(PAGES, NULL);

	signal(SIGBUS, caught);
	/* Twice, so that there is an older state in the store of those that were put out. */
	for (unsigned int round = 2; round--;)
		for (unsigned int i = 0; i < PAGES * 1024; i++)
			words[i] = sequence(i) + round;
	(void)words[READ * 1024];
	shared->rounds = (long)words;
	shared->ready = 1;
	return words;
}

/* Counts ->command: touches that gave SIGBUS, ->tid: good pages, ->wrong: others, ->others: SIGBUS on waking. */
static void sleeper(void)
{
	volatile unsigned int *words = fill(), page = 0;

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

/* Gives a page to a system call, which waits, and has not looked at it yet. ->command: it was told. ->wrong: it was not. */
static void writer(void)
{
	volatile unsigned int *words = fill();
	ssize_t given;

	if (sigsetjmp(again, 1)) {
		shared->command++;
	} else {
		given = write(full[1], (char *)words + WRITTEN * 4096, 4096);
		/* None of it: the call has seen that it cannot be had. */
		if (given < 0)
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

static void in_a_call(void)
{
	static const unsigned int pages[] = { WRITTEN };
	static char junk[1 << 16];
	int places[1];
	pid_t pid;

	if (pipe(full) || write(full[1], junk, sizeof(junk)) != sizeof(junk))
		exit(2);
	pid = start(writer);
	change(pid, pages, 1, places);
	ok(places[0] >= 1, "the ciphertext of a page that a system call waits to read is found in RAM, and changed there (%d times)", places[0]);
	if (read(full[0], junk, sizeof(junk)) != sizeof(junk))
		exit(2);
	finish(pid);
	ok(shared->ready == 2 && shared->command + shared->tid == 1 && !shared->wrong, "its owner is told: by a signal (%d) or the result (%d)",
	   shared->command, shared->tid);
	victim_end(pid);
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
	in_a_call();
	return tap_done();
}
