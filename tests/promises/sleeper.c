// SPDX-License-Identifier: GPL-2.0-only
/*
 * P1, the guest's side: a victim with 64 pages of words of a sequence, in a region or in ordinary memory. At each stage the machine's
 * RAM is dumped, see tests/promises/ram. The sequence is computed as it is written: it stands nowhere but where it was written to.
 *
 * sleeper region|ordinary
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "sequence.h"

static void dump(void)
{
	char line[32];

	usleep(100000);
	puts("@dump-ram");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		_exit(2);
}

/* Blocks in the kernel, for as long as it takes: a victim that looks at a word now and then would be awake now and then. */
static int gate[2];

static void wait_at_gate(void)
{
	char byte;

	if (read(gate[0], &byte, 1) != 1)
		_exit(2);
}

/* It owns the pages, and sleeps. */
static void victim(bool protect)
{
	volatile unsigned int *words = protect ? (void *)victim_region(SEQUENCE_PAGES, NULL) :
		mmap(NULL, SEQUENCE_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < SEQUENCE_WORDS; i++)
		words[i] = sequence(i);
	shared->ready = 1;
	wait_at_gate();
	munmap((void *)words, SEQUENCE_PAGES * 4096);
	shared->ready = 2;
	pause();
}

/* It owns the pages and works on them all the time. */
static void worker(void)
{
	volatile unsigned int *words = (void *)victim_region(SEQUENCE_PAGES, NULL);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < 4 * 1024; i++)
		words[i] = sequence(i);
	shared->ready = 1;
	for (;;)
		(void)words[0];
}

static pid_t start(bool protect, bool works)
{
	pid_t pid;

	shared->ready = 0;
	pid = fork();
	if (pid == 0) {
		if (works)
			worker();
		victim(protect);
	}
	victim_wait(&shared->ready);
	return pid;
}

int main(int argc, char **argv)
{
	bool protect = argc == 2 && strcmp(argv[1], "region") == 0;
	pid_t pid;

	victim_setup();
	if (pipe(gate))
		return 2;
	pid = start(protect, false);
	dump();			/* 1: it sleeps */
	if (write(gate[1], "", 1) != 1)
		return 2;
	while (shared->ready != 2)
		usleep(10000);
	dump();			/* 2: it has unmapped them */
	victim_end(pid);
	pid = start(protect, false);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	dump();			/* 3: it was killed */
	if (protect) {
		pid = start(true, true);
		dump();		/* 4: it is on a CPU, with a second CPU for us */
		victim_end(pid);
	}
	return 0;
}
