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

/* What the environment says, from when the library was loaded or first asked: programs change that, and write over where it was. */
static struct {
	atomic_bool known;
	bool says;		/* which takes the place of what the program wants */
	unsigned int flags;	/* what */
	unsigned int enough;	/* of LEVELS, what is at least as good as what is required */
	const char *trouble;	/* NULL, or what is wrong */
	char word[80];		/* and with which words */
} environment;

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
static bool parse(const char *text, unsigned int *flags)
{
	const char *at = text;

	for (*flags = 0;; at++) {
		size_t length = strcspn(at, ","), i = 0;

		while (i < sizeof(words) / sizeof(*words) &&
		       (strlen(words[i].name) != length || strncmp(words[i].name, at, length)))
			i++;
		if (i == sizeof(words) / sizeof(*words))
			return false;
		*flags |= words[i].flag;
		at += length;
		if (!*at)
			return true;
	}
}

static bool parse_required(const char *text, unsigned int *enough)
{
	*enough = 0;
	if (!strcmp(text, "kernel"))
		return true;
	*enough = SALLOC_FALLBACK_SECRET;
	if (!strcmp(text, "secret"))
		return true;
	*enough = LEVELS;
	return !strcmp(text, "locked");
}

static void complain(const char *trouble, const char *text)
{
	environment.trouble = trouble;
	strncpy(environment.word, text, sizeof(environment.word) - 1);
}

__attribute__((constructor)) static void read_environment(void)
{
	const char *said, *required;

	if (atomic_load(&environment.known))
		return;
	said = get("SALLOC_FALLBACK");
	required = get("SALLOC_REQUIRE");
	environment.enough = LEVELS;
	environment.says = said && *said;
	if (environment.says && !parse(said, &environment.flags))
		complain("SALLOC_FALLBACK: other words than secret, locked, wipe, none:", said);
	if (required && *required && !parse_required(required, &environment.enough))
		complain("SALLOC_REQUIRE: none of kernel, secret, locked:", required);
	atomic_store(&environment.known, true);
}

unsigned int sl_fallback_allowed(void)
{
	unsigned int flags;

	read_environment();
	if (environment.trouble)
		sl_die_about(environment.trouble, environment.word);
	flags = environment.says ? environment.flags : atomic_load(&wanted);
	return flags & (environment.enough | SALLOC_FALLBACK_WIPE) & sl_fallback_possible;
}

/* Whether what there is could not be had, or would be something else for children, by these. */
static bool contradicts(unsigned int flags, unsigned int level)
{
	if (environment.says || level <= SALLOC_PROTECTION_KERNEL)
		return false;
	if ((flags ^ atomic_load(&wanted)) & SALLOC_FALLBACK_WIPE)
		return true;
	return !(flags & (level == SALLOC_PROTECTION_SECRET ? SALLOC_FALLBACK_SECRET : SALLOC_FALLBACK_LOCKED));
}

int sl_fallback_set(unsigned int flags, unsigned int level)
{
	read_environment();
	if (flags & ~(LEVELS | SALLOC_FALLBACK_WIPE))
		return -EINVAL;
	if (contradicts(flags, level))
		return -EBUSY;
	atomic_store(&wanted, flags);
	return 0;
}
