// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keeper of automatic variables, of the main thread and of another. Built as C and as C++, with secure_auto_array() if SECURE_NO_VARIABLES
 * is defined, else with ordinary arrays.
 */
#include <pthread.h>
#include <setjmp.h>
#include <unistd.h>

#include "keeper.h"

#ifdef SECURE_NO_VARIABLES
#include <secure.h>
#define AUTOMATIC(name)	secure_auto_array(unsigned int, name, KEEPER_WORDS)
#else
#include <salloc.h>
#define AUTOMATIC(name)	unsigned int name[KEEPER_WORDS] = { 0 }
#endif

static pthread_barrier_t together;

static void filled(unsigned int *words, unsigned int kind)
{
	keeper_expect(words && !words[0], "an automatic variable");
	keeper_fill(words, kind);
}

static void *other(void *unused)
{
	AUTOMATIC(words);

	filled(words, 1);
	pthread_barrier_wait(&together);
	pthread_barrier_wait(&together);
	keeper_expect(keeper_intact(words, 1), "contents of the other thread");
	return unused;
}

static void keep(void)
{
	AUTOMATIC(words);

	filled(words, 0);
	keeper_wait();
	keeper_expect(keeper_intact(words, 0), "contents");
}

static size_t allocated(void)
{
	struct salloc_status status;

	status.size = sizeof(status);
	keeper_expect(salloc_status(&status) == 0, "salloc_status");
	return status.allocated;
}

#ifdef __cplusplus
static void thrower(int depth)
{
	AUTOMATIC(words);

	filled(words, 2);
	if (depth == 0)
		throw 5;
	thrower(depth - 1);
}

static void leave_early(void)
{
	int caught = 0;

	try {
		thrower(3);
	} catch (int what) {
		caught = what;
	}
	keeper_expect(caught == 5, "an exception through it");
}
#else
static jmp_buf back;

static void leaper(int depth)
{
	AUTOMATIC(words);

	if (depth < 0)
		return;
	filled(words, 2);
	if (depth == 0)
		longjmp(back, 1);
	leaper(depth - 1);
}

static void leave_early(void)
{
	if (!setjmp(back))
		leaper(3);
	/* They are gone with the next one at the latest. */
	{
		AUTOMATIC(words);

		keeper_expect(words[0] == 0, "zeroed");
	}
}
#endif

int main(void)
{
	pthread_t thread;

	leave_early();
	keeper_expect(allocated() == 0, "what was left is gone");
	pthread_barrier_init(&together, NULL, 2);
	pthread_create(&thread, NULL, other, NULL);
	pthread_barrier_wait(&together);
	keep();
	pthread_barrier_wait(&together);
	pthread_join(thread, NULL);
	keeper_expect(allocated() == 0, "all is gone");
	return 0;
}
