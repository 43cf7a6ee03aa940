// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4: somebody else begins to watch the functions by which events read memory, and leaves off, again and again: all protected memory is sealed each
 * time. Threads of two processes that use more pages than a window has, themselves and by system calls, lose nothing, and go on.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

#define PAGES	100
#define THREADS	3
#define WORDS	8	/* in each page */
#define SECONDS	10
#define READS	"copy_from_user_nofault"

static char *region;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long model[PAGES * WORDS];

static unsigned long load(const int *pipe, const unsigned long *word, bool by_kernel)
{
	unsigned long value;

	if (!by_kernel)
		return *word;
	return write(pipe[1], word, sizeof(*word)) == sizeof(*word) && read(pipe[0], &value, sizeof(value)) == sizeof(value) ? value : ~0UL;
}

static bool store(const int *pipe, unsigned long *word, unsigned long value, bool by_kernel)
{
	if (by_kernel)
		return write(pipe[1], &value, sizeof(value)) == sizeof(value) && read(pipe[0], word, sizeof(*word)) == sizeof(*word);
	*word = value;
	return true;
}

static void *work(void *seed)
{
	struct tap_random random = { (size_t)seed };
	int ends[2];

	if (pipe(ends))
		_exit(2);
	for (;;) {
		unsigned long at = tap_random(&random, PAGES * WORDS), value = tap_random(&random, ~0UL);
		unsigned long *word = (unsigned long *)(void *)(region + at / WORDS * 4096 + at % WORDS * (4096 / WORDS));

		pthread_mutex_lock(&lock);
		shared->wrong += load(ends, word, value & 1) != model[at];
		if (value & 6) {
			shared->wrong += !store(ends, word, value, value & 8);
			model[at] = value;
		}
		pthread_mutex_unlock(&lock);
		__atomic_add_fetch(&shared->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void owner(void)
{
	pthread_t thread;

	region = victim_region(PAGES, NULL);
	shared->ready = 1;
	for (size_t i = 1; i < THREADS; i++)
		if (pthread_create(&thread, NULL, work, (void *)i))
			_exit(2);
	work(NULL);
}

int main(void)
{
	time_t end = time(NULL) + SECONDS;
	pid_t pids[2];
	int status, times = 0;
	long rounds;
	bool well = true;

	victim_setup();
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			owner();
	}
	victim_wait(&shared->ready);
	rounds = shared->rounds;
	for (; well && (time(NULL) < end || times < 5); times++) {
		well = victim_watch(READS);
		usleep(times % 20 * 1000);
		well &= victim_watch(NULL);
		usleep(150000 + times % 50 * 1000);
	}
	ok(well && shared->rounds > rounds, "%d times somebody watched %s(); %ld accesses meanwhile", times, READS, shared->rounds - rounds);
	ok(victim_goes_on(&shared->rounds), "they go on");
	ok(shared->wrong == 0, "%ld of them found something else than was there", shared->wrong);
	for (int i = 0; i < 2; i++) {
		well &= waitpid(pids[i], &status, WNOHANG) == 0;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	ok(well, "nobody has died of it");
	return tap_done();
}
