// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The other half of libsalloc-preload.so: main() of an unmodified program, and
 * what runs after it, on a protected stack. An ssh-agent that writes its key
 * into a message has it on the stack for a moment.
 *
 * SALLOC_STACK=ordinary leaves main() on the stack that the kernel gave it: for
 * debugging, as backtraces end where a debugger cannot read, and for programs
 * that look for their stack where it used to be.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "api.h"
#include "die.h"
#include "heap.h"
#include "preload.h"
#include "stack.h"

#define SIZE_DEFAULT	((size_t)8 << 20)
#define SIZE_MIN	((size_t)64 << 10)
#define SIZE_MAXIMUM	((size_t)1 << 30)

typedef int main_fn(int argc, char **argv, char **envp);
typedef int start_fn(main_fn *main, int argc, char **argv, void (*init)(void),
		     void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

static struct {
	main_fn *main;
	int argc;
	char **argv, **envp;
} program;

/* As long as the one that it would have had, which may have no limit. */
static size_t stack_size(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_DEFAULT;
	if (limit.rlim_cur > SIZE_MAXIMUM)
		return SIZE_MAXIMUM;
	return limit.rlim_cur < SIZE_MIN ? SIZE_MIN : limit.rlim_cur;
}

static void run(void *unused)
{
	(void)unused;
	exit(program.main(program.argc, program.argv, program.envp));
}

static int protected_main(int argc, char **argv, char **envp)
{
	struct sl_stack stack;
	int err = sl_heap_stack(stack_size(), &stack);

	if (err)
		sl_preload_die(err);
	program.argc = argc;
	program.argv = argv;
	program.envp = envp;
	sl_stack_call(&stack, run, NULL);
	return 0;
}

static main_fn *choose(main_fn *main)
{
	/* Who gains something by running a program has no say in it. */
	const char *stack = secure_getenv("SALLOC_STACK");

	program.main = main;
	if (!stack || !*stack || !strcmp(stack, "protected"))
		return protected_main;
	if (!strcmp(stack, "ordinary"))
		return main;
	sl_die_text("preload: SALLOC_STACK: neither protected nor ordinary");
}

/* What the C library's start-up code calls: the last thing before main(). */
API int __libc_start_main(main_fn *main, int argc, char **argv,
			  void (*init)(void), void (*fini)(void),
			  void (*rtld_fini)(void), void *stack_end);
API int __libc_start_main(main_fn *main, int argc, char **argv,
			  void (*init)(void), void (*fini)(void),
			  void (*rtld_fini)(void), void *stack_end)
{
	void *next = dlsym(RTLD_NEXT, "__libc_start_main");
	start_fn *start;

	if (!next)
		sl_die_text("preload: this C library starts programs in a way that is not known here");
	memcpy(&start, &next, sizeof(start));
	return start(choose(main), argc, argv, init, fini, rtld_fini, stack_end);
}
