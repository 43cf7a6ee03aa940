// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keeper of variables: static and external ones, initialised or not, of a program, of a library that it is linked with, and of one that
 * it loads: its name is the argument. Built with KEEP being `secure`, or nothing.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#include "variables.h"

KEEP static volatile unsigned int unset[KEEPER_WORDS];
KEEP volatile unsigned int set[KEEPER_WORDS] = { 1, 2, 3 };
/* Needs a relocation, so its page is written to before anyone can protect it. */
KEEP static void *self = &self;
static volatile unsigned int neighbour = 5;

static struct variables_library loaded(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW);
	union {
		void *address;
		struct variables_library (*function)(void);
	} get;

	keeper_expect(handle != NULL, "dlopen");
	get.address = dlsym(handle, "variables_library");
	return get.function();
}

static void use(struct variables_library library, unsigned int kind)
{
	keeper_expect(library.set[0] == 7 && library.set[KEEPER_WORDS - 1] == 0 && !library.unset[5], "the initial values of a library");
	keeper_fill(library.set, kind);
	keeper_fill(library.unset, kind + 1);
}

int main(int argc, char **argv)
{
	KEEP static volatile unsigned int local[KEEPER_WORDS] = { [9] = 9 };
	struct variables_library linked = variables_library(), other = loaded(argv[1]);

	(void)argc;
	keeper_expect(set[2] == 3 && !set[3] && local[9] == 9 && !unset[0] && self == &self && neighbour == 5, "initial values");
	keeper_fill(unset, 0);
	keeper_fill(set, 1);
	keeper_fill(local, 2);
	keeper_expect(linked.set == variables_set && other.set != variables_set, "one variable, wherever it is looked at from");
	use(linked, 3);
	use(other, 5);
	keeper_wait();
	keeper_expect(keeper_intact(unset, 0) && keeper_intact(set, 1) && keeper_intact(local, 2) && keeper_intact(linked.set, 3) &&
		      keeper_intact(linked.unset, 4) && keeper_intact(other.set, 5) && keeper_intact(other.unset, 6), "contents");
	return 0;
}
