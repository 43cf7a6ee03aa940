// SPDX-License-Identifier: LGPL-2.1-or-later
/* backtrace above|below: stops in a function on a protected stack, which lies above its caller's, or below it. For tests/unit/backtrace.t. */
#include <pthread.h>
#include <salloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HOLE	((size_t)64 << 20)

static char *hole;
static uintptr_t caller;

static void innermost(void *above)
{
	if (((uintptr_t)&above > caller) != *(bool *)above)
		exit(3);
	raise(SIGTRAP);
}

__attribute__((noinline)) static void outermost(bool above)
{
	caller = (uintptr_t)&above;
	salloc_call(0, innermost, &above);
	__asm__ volatile("");
}

static void *thread(void *above)
{
	/* Where the next mapping goes: the kernel gives addresses from the top down. */
	if (above)
		munmap(hole, HOLE);
	outermost(above != NULL);
	return above;
}

int main(int argc, char **argv)
{
	static bool above;
	pthread_t id;

	above = argc == 2 && !strcmp(argv[1], "above");
	if (salloc_fallback(SALLOC_FALLBACK_LOCKED) || !salloc(1))
		return 2;
	hole = mmap(NULL, HOLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_create(&id, NULL, thread, above ? &above : NULL);
	pthread_join(id, NULL);
	return 0;
}
