// SPDX-License-Identifier: LGPL-2.1-or-later
/* secure_auto(): one way out of a scope after the other. */
#include <errno.h>
#include <pthread.h>
#include <salloc.h>
#include <secure.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "backend_test.h"
#include "tap.h"

struct key {
	unsigned char bytes[32];
	int serial;
};

/* What was allocated last, and how much is now. */
static unsigned char *seen;

static size_t allocated(void)
{
	struct salloc_status status = { .size = sizeof(status) };

	return salloc_status(&status) ? SIZE_MAX : status.allocated;
}

static bool is_gone(size_t before)
{
	return allocated() == before && tap_is_filled(seen, 0, sizeof(struct key));
}

static void use(struct key *key)
{
	seen = (unsigned char *)key;
	memset(key, 0x5a, sizeof(*key));
}

static int by_return(void)
{
	secure_auto(struct key, key);

	if (!tap_is_filled(key, 0, sizeof(*key)))
		return 1;
	use(key);
	key->serial = 5;
	return key->serial;
}

static void by_goto_and_break(void)
{
	size_t before = allocated();

	{
		secure_auto(struct key, key);

		use(key);
		goto out;
	}
out:
	ok(is_gone(before), "goto");
	for (int i = 0; i < 3; i++) {
		secure_auto(struct key, key);

		use(key);
		if (i == 1)
			break;
	}
	ok(is_gone(before), "break, and the end of the scope");
}

static void aligned(void)
{
	size_t before = allocated();
	bool good = true;

	{
		secure_auto(char, byte);
		secure_auto_array(double, numbers, 1000);
		secure_auto(struct { _Alignas(256) char at; }, far);
		secure_auto(unsigned char[20], array);

		good &= !((uintptr_t)numbers % _Alignof(double)) && !((uintptr_t)far % 256);
		memset(numbers, 1, 1000 * sizeof(*numbers));
		memset(*array, 2, sizeof(*array));
		*byte = far->at = 3;
		good &= tap_is_filled(numbers, 1, 8000) && tap_is_filled(*array, 2, 20);
	}
	ok(good && allocated() == before, "several in one scope, aligned as they must be");
}

static int too_much(void)
{
	secure_auto_array(struct key, keys, SIZE_MAX / sizeof(struct key) + 2);

	return keys ? 0 : errno;
}

static int none(void)
{
	secure_auto(struct key, key);

	return key ? 0 : errno;
}

static jmp_buf back;

__attribute__((noinline)) static void leap(int depth)
{
	secure_auto(struct key, key);

	if (depth < 0)
		return;
	use(key);
	if (!depth)
		longjmp(back, 1);
	leap(depth - 1);
}

__attribute__((noinline)) static void by_longjmp_once(void)
{
	secure_auto(struct key, key);

	key->serial = 7;
	if (!setjmp(back))
		leap(5);
	if (key->serial != 7)
		tap_note("what is alive was wiped");
	use(key);
}

static void by_longjmp(void)
{
	size_t before = allocated();

	by_longjmp_once();
	ok(is_gone(before), "longjmp: gone when a caller leaves a scope");
	for (int i = 0; i < 10; i++)
		if (!setjmp(back))
			leap(3);
	ok(allocated() <= before + 8 * sizeof(struct key), "longjmp: they do not pile up");
	by_return();
	{
		secure_auto(int, one);

		*one = 1;
	}
	ok(is_gone(before), "longjmp: gone when a caller enters one");
}

static void *ends_itself(void *how)
{
	secure_auto(struct key, key);

	use(key);
	if (how)
		pthread_exit(NULL);
	for (;;)
		pause();
}

static void by_thread_end(void)
{
	size_t before = allocated();
	pthread_t thread;

	pthread_create(&thread, NULL, ends_itself, "exit");
	pthread_join(thread, NULL);
	ok(is_gone(before), "pthread_exit()");
	pthread_create(&thread, NULL, ends_itself, NULL);
	usleep(20000);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	ok(is_gone(before), "pthread_cancel()");
}

/* Scopes on other stacks are alive, however the addresses compare. */
static ucontext_t here, there;
static bool intact;

static void coroutine(void)
{
	secure_auto(struct key, key);

	use(key);
	swapcontext(&there, &here);
	intact = tap_is_filled(key, 0x5a, sizeof(*key));
}

/* So much that valgrind sees that it is another one. */
#define STACK	((size_t)4 << 20)

static void begin(char *stack)
{
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = STACK;
	there.uc_link = &here;
	makecontext(&there, coroutine, 0);
	swapcontext(&here, &there);
}

static void *below_a_coroutine(void *stack)
{
	secure_auto(struct key, key);

	use(key);
	begin((char *)stack + STACK);
	swapcontext(&here, &there);
	intact &= tap_is_filled(key, 0x5a, sizeof(*key));
	return NULL;
}

static void on_other_stacks(void)
{
	char *stack = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	size_t before = allocated();
	pthread_attr_t attr;
	pthread_t thread;

	begin(stack + STACK);
	by_return();
	{
		secure_auto(int, one);

		*one = 1;
		by_return();
	}
	swapcontext(&here, &there);
	ok(intact, "a coroutine's is alive while others come and go");
	ok(is_gone(before), "and gone when that is left");
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, STACK);
	pthread_create(&thread, &attr, below_a_coroutine, stack);
	pthread_join(thread, NULL);
	ok(intact && is_gone(before), "one further up in memory takes nothing away");
}

static void *left[1];

static void *leave_elsewhere(void *unused)
{
	(void)unused;
	salloc_scope_leave(left);
	return NULL;
}

static void elsewhere(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, leave_elsewhere, NULL);
	pthread_join(thread, NULL);
}

static bool in_child(void *block)
{
	struct key *key = block;
	bool good = tap_is_filled(key, 0x5a, sizeof(*key));

	return good && by_return() == 5;
}

int main(void)
{
	size_t before;

	backend_test.open_error = ENOSYS;
	ok(none() == ENOSYS, "no protected memory: NULL and errno");
	backend_test.open_error = 0;
	sfree(salloc(1));
	before = allocated();
	ok(by_return() == 5 && is_gone(before), "return");
	by_goto_and_break();
	aligned();
	ok(too_much() == ENOMEM && allocated() == before, "too much");
	errno = EDOM;
	by_return();
	ok(errno == EDOM, "errno is left alone");
	by_longjmp();
	by_thread_end();
	on_other_stacks();
	{
		secure_auto(struct key, key);

		use(key);
		ok(tap_child(in_child, key), "a child has its own");
	}
	left[0] = salloc_scope_enter(16, 16, (uintptr_t)left);
	ok(tap_aborts(elsewhere, NULL, "secure_auto left in another thread than it was entered in, or twice:", left[0]),
	   "left in another thread");
	salloc_scope_leave(left);
	return tap_done();
}
