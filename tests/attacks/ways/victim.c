// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim malloc|memfd_secret|salloc [MODE]: has a secret and works with it, until it is killed. Exit 77: no such memory here.
 *
 * MODE	loop	two threads look at the secret, sleep a little, and call the code pointer (the default)
 *	busy	the same without sleeping
 *	sleep	it looks once, and sleeps for ever
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <salloc.h>

#include "prey.h"

#define NO_SUCH_MEMORY	77

static unsigned char *secret;
static bool sleepy = true;

/* Word to play with: an attacker may write here, or read. */
static volatile long ordinary = 0x6f7264696e617279;

static void nothing(void)
{
}

/* In writable memory, as the GOT, C++ objects and callbacks are. */
static void (*volatile callback)(void) = nothing;

static void *obtain(const char *memory)
{
	void *p = NULL;
	int fd;

	if (strcmp(memory, "malloc") == 0)
		return aligned_alloc(4096, PREY_BYTES);
	if (strcmp(memory, "salloc") == 0)
		return salloc(PREY_BYTES);
	if (strcmp(memory, "memfd_secret") == 0) {
		fd = (int)syscall(SYS_memfd_secret, 0);
		if (fd < 0 || ftruncate(fd, PREY_BYTES))
			exit(NO_SUCH_MEMORY);
		/* Left open, as the manual's examples do. */
		p = mmap(NULL, PREY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	fprintf(stderr, "victim: %s: no such kind of memory\n", memory);
	exit(2);
}

static void caught(int signal)
{
	prey->fault = signal;
	for (;;)
		pause();
}

/* Looks at every byte of it. Not inlined: a place for breakpoints, and for code to be overwritten. */
void use_secret(void);
__attribute__((noinline)) void use_secret(void)
{
	long wrong = 0;

	for (size_t i = 0; i < PREY_BYTES; i++)
		wrong += secret[i] != prey_byte(prey->seed, i);
	prey->wrong += wrong != 0;
	prey->rounds++;
}

static void *work(void *unused)
{
	(void)unused;
	for (;;) {
		use_secret();
		callback();
		if (sleepy)
			usleep(1000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "loop";
	pthread_t thread;

	if (argc < 2 || !getenv("PREY")) {
		fprintf(stderr, "usage: PREY=FILE victim malloc|memfd_secret|salloc [loop|busy|sleep]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prey_setup();
	signal(SIGBUS, caught);
	secret = obtain(argv[1]);
	if (!secret) {
		perror(argv[1]);
		return 2;
	}
	for (size_t i = 0; i < PREY_BYTES; i++)
		secret[i] = prey_byte(prey->seed, i);
	sleepy = strcmp(mode, "busy") != 0;
	prey->pid = getpid();
	prey->secret = (uintptr_t)secret;
	prey->callback = (uintptr_t)&callback;
	prey->ordinary = (uintptr_t)&ordinary;
	use_secret();
	prey->ready = 1;
	if (strcmp(mode, "sleep") == 0)
		for (;;)
			pause();
	pthread_create(&thread, NULL, work, NULL);
	work(NULL);
	return 0;
}
