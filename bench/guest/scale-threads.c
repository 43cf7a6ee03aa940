// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale-threads plain|protected N...: what N threads cost a process: to get memory when they are there already (the
 * machine is stopped for that), to start one more, to take turns, to sleep.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bench.h"
#include "common/scale.h"

#define TURNS	64	/* of each thread */
#define STACK	65536UL

static bool protected;
static bool yielding, ending;
static unsigned char *memory;

/* Sleeps, then takes turns with all others, then ends. */
static void *worker(void *arg)
{
	while (!__atomic_load_n(&ending, __ATOMIC_RELAXED)) {
		if (__atomic_load_n(&yielding, __ATOMIC_RELAXED)) {
			*(volatile unsigned char *)memory = 1;
			sched_yield();
		} else {
			usleep(2000);
		}
	}
	return arg;
}

static pthread_t start_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (pthread_create(&thread, &attr, worker, NULL))
		die("pthread_create");
	pthread_attr_destroy(&attr);
	return thread;
}

static void measure(void *arg)
{
	unsigned long n = *(unsigned long *)arg, i;
	pthread_t *threads = calloc(n, sizeof(*threads)), one;
	uint64_t start;

	if (!threads)
		die("calloc");
	for (i = 0; i + 1 < n; i++)
		threads[i] = start_thread();
	start = now();
	memory = get_memory(protected ? device() : -1, PAGE);
	point("threads", protected, n, "map the first page", now() - start);
	start = now();
	*(volatile unsigned char *)memory = 1;
	point("threads", protected, n, "touch it", now() - start);

	yielding = true;
	for (i = 0; i < TURNS; i++)
		sched_yield();
	start = now();
	for (i = 0; i < TURNS; i++)
		sched_yield();
	point("threads", protected, n, "take turns, for each thread", (double)(now() - start) / TURNS / n);
	yielding = false;
	/* What each sleep costs while the others sleep and wake too. */
	usleep(20000);
	point("threads", protected, n, "sleep and wake", sleeps(64, memory, 1));
	ending = true;
	for (i = 0; i + 1 < n; i++)
		pthread_join(threads[i], NULL);
	start = now();
	one = start_thread();
	pthread_join(one, NULL);
	point("threads", protected, n, "start and end a thread", now() - start);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3)
		return 2;
	protected = !strcmp(argv[1], "protected");
	for (i = 2; i < argc; i++) {
		unsigned long n = strtoul(argv[i], NULL, 0);

		in_child(measure, &n);
	}
	return 0;
}
