// SPDX-License-Identifier: LGPL-2.1-or-later
/* salloc_call(): a stack to call on, and what becomes of it. */
#include <errno.h>
#include <pthread.h>
#include <salloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "../../lib/backend.h"
#include "backend_test.h"
#include "tap.h"

#define KIB	((size_t)1024)

/* Where a frame was. */
static uintptr_t seen;
static int calls;

static void note(void *argument)
{
	char local[64];

	memset(local, 7, sizeof(local));
	__asm__ volatile("" : : "r"(local) : "memory");
	calls += *(int *)argument;
}

/* Whether a mapping is one of the backend's, and how much those are. */
static size_t inside;
static bool on_region;

static int is_region(const struct sl_map *map, void *unused)
{
	(void)unused;
	return !sl_backend_is_region(map);
}

static void measure(void *before)
{
	uintptr_t here = (uintptr_t)&before;

	inside = backend_test.bytes - *(size_t *)before;
	on_region = !sl_maps_walk(here, here + 1, false, is_region, NULL);
}

static void sizes(void)
{
	static const struct { size_t size, bytes; } cases[] = {
		{ 0, 8192 * KIB }, { 1, 32 * KIB }, { 32 * KIB, 32 * KIB }, { 32 * KIB + 1, 36 * KIB }, { 1024 * KIB, 1024 * KIB },
	};
	size_t before = backend_test.bytes;
	bool good = true;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		good &= !salloc_call(cases[i].size, measure, &before) && inside == cases[i].bytes + 4 * KIB && on_region;
		good &= backend_test.bytes == before;
	}
	ok(good, "stacks of the size that was asked for, or the least, and one page more; gone afterwards");
}

static bool fails(int result, int error)
{
	return result == -1 && errno == error && !calls;
}

static void refusals(void)
{
	int one = 1;

	calls = 0;
	backend_test.open_error = ENOSYS;
	ok(fails(salloc_call(0, note, &one), ENOSYS), "no device: not called");
	backend_test.open_error = 0;
	backend_test.largest = 64 * KIB;
	ok(fails(salloc_call(0, note, &one), ENOMEM) && !salloc_call(40 * KIB, note, &one) && calls == 1, "no memory for that much");
	backend_test.largest = 0;
	calls = 0;
	ok(fails(salloc_call(SIZE_MAX, note, &one), ENOMEM) && fails(salloc_call(SIZE_MAX / 2, note, &one), ENOMEM), "more than there is");
}

/* The stack goes down to its end and no further. */
static unsigned long deep(unsigned long frames)
{
	volatile char frame[256];

	frame[0] = (char)frames;
	return frames ? deep(frames - 1) + (unsigned long)frame[0] % 2 : 0;
}

static void go_down(void *frames)
{
	seen = (uintptr_t)__builtin_frame_address(0);
	deep(*(unsigned long *)frames);
}

static volatile sig_atomic_t handled;

/* Where it is to be: just below a stack of 64 KiB. */
static void on_overflow(int signal, siginfo_t *info, void *context)
{
	size_t below = seen - (uintptr_t)info->si_addr;

	(void)signal;
	(void)context;
	_exit(below >= 63 * KIB && below <= 68 * KIB ? 0 : 1);
}

static bool overflows(void *unused)
{
	static char stack[64 << 10];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_overflow, .sa_flags = SA_ONSTACK | SA_SIGINFO };
	unsigned long frames = 1000000;

	(void)unused;
	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
	salloc_call(64 * KIB, go_down, &frames);
	return false;
}

static void handler(int signal)
{
	char local[4096];

	memset(local, signal, sizeof(local));
	__asm__ volatile("" : : "r"(local) : "memory");
	handled = (uintptr_t)local - seen + 65536 < 2 * 65536;
}

static void take_signal(void *unused)
{
	(void)unused;
	seen = (uintptr_t)__builtin_frame_address(0);
	raise(SIGUSR1);
}

static void nest(void *depth)
{
	int less = *(int *)depth - 1;

	calls++;
	if (less >= 0 && salloc_call(0, nest, &less))
		calls = -1000;
}

static jmp_buf back;

static void leap(void *unused)
{
	(void)unused;
	longjmp(back, 3);
}

static void uses(void)
{
	unsigned long frames = 100;
	int depth = 10;
	size_t before = backend_test.bytes;

	ok(!salloc_call(64 * KIB, go_down, &frames), "frames on it");
	signal(SIGUSR1, handler);
	ok(!salloc_call(0, take_signal, NULL) && handled, "signals are taken on it");
	calls = 0;
	ok(!salloc_call(0, nest, &depth) && calls == 11 && backend_test.bytes == before, "calls within calls");
	ok(setjmp(back) == 3 || (salloc_call(32 * KIB, leap, NULL), false), "longjmp() out of it");
	ok(backend_test.bytes == before + 36 * KIB, "keeps its memory");
}

static void end_thread(void *how)
{
	if (how)
		pthread_exit("ended");
	for (;;)
		pause();
}

static void *thread(void *how)
{
	salloc_call(0, end_thread, how);
	return NULL;
}

static void ends(void)
{
	size_t before = backend_test.bytes;
	pthread_t id;
	void *result;

	pthread_create(&id, NULL, thread, "exit");
	pthread_join(id, &result);
	ok(result && !strcmp(result, "ended") && backend_test.bytes == before, "pthread_exit(): its memory is given back");
	pthread_create(&id, NULL, thread, NULL);
	usleep(20000);
	pthread_cancel(id);
	pthread_join(id, &result);
	ok(result == PTHREAD_CANCELED && backend_test.bytes == before, "pthread_cancel(): the same");
}

/* What debuggers and exceptions go by. */
static uintptr_t lowest, highest;
static int depth_seen;

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *unused)
{
	(void)unused;
	depth_seen++;
	if (_Unwind_GetIP(context) - lowest < highest - lowest)
		calls++;
	return _URC_NO_REASON;
}

static void walk(void *unused)
{
	(void)unused;
	_Unwind_Backtrace(step, NULL);
}

__attribute__((noinline, noclone)) static int from_here(void)
{
	int err = salloc_call(0, walk, NULL);

	/* So that there is something to come back to. */
	__asm__ volatile("");
	return err;
}

static void unwinds(void)
{
	lowest = (uintptr_t)from_here;
	highest = lowest + 256;
	calls = depth_seen = 0;
	from_here();
	ok(calls == 1, "a stack trace goes through it to the caller (%d frames)", depth_seen);
}

static bool in_child(void *unused)
{
	int one = 1;

	(void)unused;
	calls = 0;
	return !salloc_call(0, note, &one) && calls == 1;
}

static void fork_on_it(void *good)
{
	*(bool *)good = tap_child(in_child, NULL);
}

static void out_of_reach(void *good)
{
	struct salloc_status now = { .size = sizeof(now) };

	backend_test.open_error = ENOSYS;
	*(bool *)good = salloc_status(&now) == -1 && errno == ENOSYS && !salloc(1) && errno == ENOMEM;
	backend_test.open_error = 0;
}

/* Before there is any block. */
static void only_a_stack(void)
{
	bool good = false;

	ok(!salloc_call(0, out_of_reach, &good) && good, "a stack alone: what it came from is not missing, but out of reach");
}

int main(void)
{
	only_a_stack();
	bool good = false;
	int five = 5;

	ok(!salloc_call(0, note, &five) && calls == 5, "it is called with its argument");
	sizes();
	refusals();
	uses();
	ends();
	unwinds();
	ok(!salloc_call(0, fork_on_it, &good) && good, "a child on the same stack has its own");
	ok(tap_child(overflows, NULL), "too deep: SIGSEGV, just below it");
	return tap_done();
}
