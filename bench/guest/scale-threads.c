// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale-threads plain|protected N...: what N threads cost a process: to get memory when they are there already (the
 * machine is stopped for that), to start one more, to take turns, to sleep.
 */
#include <limits.h>
#include <linux/futex.h>
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

#define STARTS	16	/* of one more thread */
#define STACK	65536UL

static bool protected;
static enum { SLEEP, TAKE_TURNS, END } phase;
static unsigned char *memory;
static uint64_t taken;	/* turns */

static void take_turn(void)
{
	*(volatile unsigned char *)memory = 1;
	__atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
	sched_yield();
}

/* Sleeps, takes turns with all others, sleeps, ends. */
static void *worker(void *arg)
{
	int now_is;

	while ((now_is = __atomic_load_n((int *)&phase, __ATOMIC_RELAXED)) != END) {
		if (now_is == TAKE_TURNS) {
			take_turn();
		} else {
			syscall(SYS_futex, &phase, FUTEX_WAIT_PRIVATE, now_is, NULL, NULL, 0);
		}
	}
	return arg;
}

static void set_phase(int to)
{
	__atomic_store_n((int *)&phase, to, __ATOMIC_RELAXED);
	syscall(SYS_futex, &phase, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	/* Let them go where they are to be. */
	usleep(20000);
}

static pthread_t start_thread(void *(*fn)(void *arg))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (pthread_create(&thread, &attr, fn, NULL))
		die("pthread_create");
	pthread_attr_destroy(&attr);
	return thread;
}

static void *nothing(void *arg)
{
	return arg;
}

static double starting(void)
{
	uint64_t start = now();
	unsigned int i;

	for (i = 0; i < STARTS; i++)
		pthread_join(start_thread(nothing), NULL);
	return (double)(now() - start) / STARTS;
}

/* The price of one turn, whoever of them had it. */
static double turns(void)
{
	uint64_t start, had;

	set_phase(TAKE_TURNS);
	had = __atomic_load_n(&taken, __ATOMIC_RELAXED);
	start = now();
	while (now() - start < 20000000)
		take_turn();
	start = now() - start;
	had = __atomic_load_n(&taken, __ATOMIC_RELAXED) - had;
	set_phase(SLEEP);
	return (double)start / had;
}

static void measure(void *arg)
{
	unsigned long n = *(unsigned long *)arg, i;
	pthread_t *threads = calloc(n, sizeof(*threads));
	uint64_t start;

	if (!threads)
		die("calloc");
	for (i = 0; i + 1 < n; i++)
		threads[i] = start_thread(worker);
	set_phase(SLEEP);
	start = now();
	memory = get_memory(protected ? device() : -1, PAGE);
	point("threads", protected, n, "map the first page", now() - start);
	start = now();
	*(volatile unsigned char *)memory = 1;
	point("threads", protected, n, "touch it", now() - start);
	point("threads", protected, n, "take a turn", turns());
	point("threads", protected, n, "start and join one more", starting());
	point("threads", protected, n, "sleep and wake", sleeps(64, memory, 1));
	set_phase(END);
	for (i = 0; i + 1 < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	protected = !strcmp(argv[1], "protected");
	measure_each(measure, argv + 2);
	return 0;
}
