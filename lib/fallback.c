// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fallback.h"

#include <errno.h>
#include <salloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "die.h"

#define LEVELS	(SALLOC_FALLBACK_SECRET | SALLOC_FALLBACK_LOCKED)

static _Atomic unsigned int wanted;

/* As it was when the library was loaded, or first asked: programs change their environment. */
static const char *said, *required;
static atomic_bool known;

/* Where the kernel put the arguments and, behind them, the environment. Of the dynamic loader, and of glibc's start files. */
extern void *__libc_stack_end __attribute__((weak));

/* The dynamic loader calls a malloc() before the C library has an environment. */
static const char *early_getenv(const char *name)
{
	size_t length = strlen(name);
	char **at;

	if (!&__libc_stack_end || getauxval(AT_SECURE))
		return NULL;
	at = (char **)__libc_stack_end + 1;
	while (*at)
		at++;
	while (*++at)
		if (!strncmp(*at, name, length) && (*at)[length] == '=')
			return *at + length + 1;
	return NULL;
}

/* Who gains something by running a program has no say in it. */
static const char *get(const char *name)
{
	return environ ? secure_getenv(name) : early_getenv(name);
}

__attribute__((constructor)) static void read_environment(void)
{
	if (atomic_load(&known))
		return;
	said = get("SALLOC_FALLBACK");
	required = get("SALLOC_REQUIRE");
	atomic_store(&known, true);
}

static const struct {
	const char *name;
	unsigned int flag;
} words[] = {
	{ "none", 0 },
	{ "secret", SALLOC_FALLBACK_SECRET },
	{ "locked", SALLOC_FALLBACK_LOCKED },
	{ "wipe", SALLOC_FALLBACK_WIPE },
};

/* "secret,locked": words with commas between them. */
static unsigned int parse(const char *text)
{
	unsigned int flags = 0;
	const char *at = text;

	for (;;) {
		size_t length = strcspn(at, ","), i = 0;

		while (i < sizeof(words) / sizeof(*words) &&
		       (strlen(words[i].name) != length || strncmp(words[i].name, at, length)))
			i++;
		if (i == sizeof(words) / sizeof(*words))
			sl_die_about("SALLOC_FALLBACK: other words than secret, locked, wipe, none:", text);
		flags |= words[i].flag;
		if (!at[length])
			return flags;
		at += length + 1;
	}
}

/* What is at least as good as what the environment requires. */
static unsigned int good_enough(void)
{
	if (!required || !*required || !strcmp(required, "locked"))
		return LEVELS;
	if (!strcmp(required, "secret"))
		return SALLOC_FALLBACK_SECRET;
	if (!strcmp(required, "kernel"))
		return 0;
	sl_die_about("SALLOC_REQUIRE: none of kernel, secret, locked:", required);
}

unsigned int sl_fallback_allowed(void)
{
	unsigned int flags;

	read_environment();
	flags = said && *said ? parse(said) : atomic_load(&wanted);
	return flags & (good_enough() | SALLOC_FALLBACK_WIPE) & sl_fallback_possible;
}

int sl_fallback_set(unsigned int flags, unsigned int level)
{
	if (flags & ~(LEVELS | SALLOC_FALLBACK_WIPE))
		return -EINVAL;
	if ((level == SALLOC_PROTECTION_SECRET && !(flags & SALLOC_FALLBACK_SECRET)) ||
	    (level == SALLOC_PROTECTION_LOCKED && !(flags & SALLOC_FALLBACK_LOCKED)))
		return -EBUSY;
	atomic_store(&wanted, flags);
	return 0;
}
