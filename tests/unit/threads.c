// SPDX-License-Identifier: LGPL-2.1-or-later
/* Threads that allocate, free each other's blocks, and are forked from. */
#include <dirent.h>
#include <pthread.h>
#include <salloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define THREADS	4
#define OWN	64
#define SHARED	32

/* A block: its size, then bytes that follow from it. */
struct block {
	size_t size;
	unsigned char bytes[];
};

static _Atomic(struct block *) shared[SHARED];
static atomic_bool stop;
static atomic_bool broken;

static struct block *make(struct tap_random *rng)
{
	size_t size = 16 + tap_random(rng, tap_random(rng, 20) ? 3000 : 90000);
	struct block *block = salloc(size);

	if (!block) {
		broken = true;
		return NULL;
	}
	block->size = size;
	memset(block->bytes, size & 0xff, size - sizeof(*block));
	return block;
}

static bool is_whole(struct block *block)
{
	return ssize(block) >= block->size &&
	       tap_is_filled(block->bytes, block->size & 0xff,
			     block->size - sizeof(*block));
}

static void end(struct block *block)
{
	if (!block)
		return;
	if (!is_whole(block))
		broken = true;
	sfree(block);
}

/* Half of the blocks go through an exchange, to be freed by who finds them. */
static void work(struct block **own, struct tap_random *rng)
{
	size_t slot = tap_random(rng, OWN);
	struct block *block = make(rng);

	if (tap_random(rng, 2)) {
		end(own[slot]);
		own[slot] = block;
	} else {
		end(atomic_exchange(&shared[slot % SHARED], block));
	}
}

static void *thread(void *number)
{
	struct tap_random rng = { (uintptr_t)number };
	struct block *own[OWN] = { 0 };

	while (!stop)
		work(own, &rng);
	for (size_t i = 0; i < OWN; i++)
		end(own[i]);
	return NULL;
}

static struct block *kept[OWN];

/* In a child: what was there is there, can be freed, and there is more. */
static bool child(void *depth)
{
	struct block *own[OWN] = { 0 };
	struct tap_random rng = { 99 };
	bool good = true;

	alarm(60);
	for (size_t i = 0; i < OWN; i += 2) {
		good &= is_whole(kept[i]);
		sfree(kept[i]);
		kept[i] = NULL;
	}
	for (int i = 0; i < 200; i++)
		work(own, &rng);
	for (size_t i = 1; i < OWN; i += 2)
		good &= is_whole(kept[i]);
	if (depth) {
		for (size_t i = 0; i < OWN; i += 2)
			kept[i] = make(&rng);
		good &= tap_child(child, NULL);
	}
	return good && !broken;
}

static void fork_among_threads(void)
{
	unsigned long forks = tap_rounds(60);
	struct tap_random rng = { 12345 };
	bool good = true;

	for (size_t i = 0; i < OWN; i++)
		kept[i] = make(&rng);
	for (unsigned long i = 0; i < forks; i++)
		good &= tap_child(child, i % 4 ? NULL : kept);
	ok(good, "%lu children of a process with threads: all whole", forks);
	for (size_t i = 0; i < OWN; i++)
		end(kept[i]);
}

/* Registered before the first call to the library. */
static void *from_handler;

static void in_handler(void)
{
	sfree(from_handler);
	from_handler = salloc(40);
}

static bool nothing(void *unused)
{
	(void)unused;
	alarm(60);
	return from_handler != NULL;
}

static size_t descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int main(void)
{
	size_t open_before = descriptors();
	pthread_t threads[THREADS];
	struct salloc_status status = { .size = sizeof(status) };

	pthread_atfork(in_handler, in_handler, in_handler);
	alarm(300);
	ok(tap_child(nothing, NULL), "fork handlers may allocate");
	sfree(from_handler);
	from_handler = NULL;
	/* From here on the handlers allocate while the others do as well. */
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread, (void *)(i + 1));
	fork_among_threads();
	for (unsigned long i = tap_rounds(100); i; i--)
		usleep(10000);
	stop = true;
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < SHARED; i++)
		end(shared[i]);
	sfree(from_handler);
	ok(!broken, "%d threads: every block was whole when it was freed", THREADS);
	ok(!salloc_status(&status) && !status.allocated, "nothing is left");
	ok(descriptors() == open_before, "no descriptor is left open");
	return tap_done();
}
