// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keeper of what is on a stack: in a frame, in what a function has left behind, and in a frame of another thread. Built as C and as C++, with
 * protected stacks if SECURE_NO_VARIABLES is defined, else with ordinary ones.
 */
#include <pthread.h>
#include <salloc.h>
#include <stddef.h>

#include "keeper.h"

#ifdef SECURE_NO_VARIABLES
#define CALL(function, argument)	keeper_expect(salloc_call(0, function, argument) == 0, "salloc_call")
#else
#define CALL(function, argument)	function(argument)
#endif

static pthread_barrier_t together;

static void hold(volatile unsigned int *words, unsigned int kind)
{
	keeper_fill(words, kind);
}

__attribute__((noinline)) static void left_behind(void)
{
	volatile unsigned int words[KEEPER_WORDS];

	hold(words, 1);
}

/* Further down than anything that is called later. */
__attribute__((noinline)) static void leave_behind(void)
{
	volatile char depth[64 << 10];

	depth[0] = depth[sizeof(depth) - 1] = 1;
	left_behind();
	depth[0] = 2;
}

static void keep(void *argument)
{
	volatile unsigned int words[KEEPER_WORDS];

	(void)argument;
	hold(words, 0);
	leave_behind();
	pthread_barrier_wait(&together);
	keeper_wait();
	pthread_barrier_wait(&together);
	keeper_expect(keeper_intact(words, 0), "contents");
}

static void keep_beside(void *argument)
{
	volatile unsigned int words[KEEPER_WORDS];

	(void)argument;
	hold(words, 2);
	pthread_barrier_wait(&together);
	pthread_barrier_wait(&together);
	keeper_expect(keeper_intact(words, 2), "contents of the other thread");
}

static void *thread(void *argument)
{
	CALL(keep_beside, argument);
	return NULL;
}

#ifdef __cplusplus
static void thrower(void *depth)
{
	volatile unsigned int words[KEEPER_WORDS];
	int less = *(int *)depth - 1;

	hold(words, 3);
	if (less < 0)
		throw 5;
	CALL(thrower, &less);
}

static void throw_through_it(void)
{
	int caught = 0, depth = 3;

	try {
		CALL(thrower, &depth);
	} catch (int what) {
		caught = what;
	}
	keeper_expect(caught == 5, "an exception through it");
}
#else
static void throw_through_it(void)
{
}
#endif

int main(void)
{
	pthread_t id;

	throw_through_it();
	pthread_barrier_init(&together, NULL, 2);
	pthread_create(&id, NULL, thread, NULL);
	CALL(keep, NULL);
	pthread_join(id, NULL);
	return 0;
}
