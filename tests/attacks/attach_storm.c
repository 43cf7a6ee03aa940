// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4: attach, continue, interrupt, detach, over and over, while a thread of the victim writes to pages that have just been dropped, so
 * that every kind of fault meets every state of the guard. Nothing it wrote may be lost.
 */
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

#define PAGES	8
#define ROUNDS	150

static char *region;
static int device;

static void *worker(void *unused)
{
	volatile char *page = region;

	(void)unused;
	shared->ready = 1;
	for (;;) {
		victim_discard(device, region, PAGES);
		for (int i = 0; i < PAGES; i++)
			(void)page[i * 4096];
		for (int i = 0; i < PAGES; i++)
			page[i * 4096] = (char)(i + 1);
		for (int i = 0; i < PAGES; i++)
			if (page[i * 4096] != i + 1)
				shared->wrong++;
		shared->rounds++;
	}
	return NULL;
}

static void victim(void)
{
	pthread_t thread;

	region = victim_region(PAGES, &device);
	pthread_create(&thread, NULL, worker, NULL);
	for (;;)
		usleep(200);
}

int main(void)
{
	int status, done = 0;
	long rounds;
	pid_t pid;

	victim_setup();
	pid = fork();
	if (pid == 0)
		victim();
	victim_wait(&shared->ready);
	for (; done < ROUNDS; done++) {
		if (ptrace(PTRACE_SEIZE, pid, 0, 0))
			break;
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		if (waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status))
			break;
		ptrace(PTRACE_CONT, pid, 0, 0);
		usleep((unsigned int)(done * 37 % 700));
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		waitpid(pid, &status, __WALL);
		ptrace(PTRACE_DETACH, pid, 0, 0);
		usleep((unsigned int)(done * 53 % 300));
	}
	ok(done == ROUNDS, "a victim survives %d debuggers in a row", ROUNDS);
	rounds = shared->rounds;
	for (int i = 0; i < 5000 && shared->rounds == rounds; i++)
		usleep(1000);
	ok(shared->rounds > rounds, "and goes on");
	ok(shared->rounds > 0 && !shared->wrong, "and nothing it wrote is lost");
	tap_note("%ld rounds", shared->rounds);
	victim_end(pid);
	return tap_done();
}
