// SPDX-License-Identifier: GPL-2.0-only
/*
 * run: a program with its malloc from protected memory, or not at all: whatever
 * would make the loader leave the library out in silence is refused.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "module.h"
#include "target.h"
#include "util.h"

#define PRELOAD	"libsalloc-preload.so"
#define GUARD	"--guard="

/* Where it was built, or ../lib of where it is installed, else where `make` was told; to be freed. */
static char *preload_find(void)
{
	char exe[PATH_MAX], *dir, *path, *real;
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (len > 0) {
		exe[len] = 0;
		dir = strrchr(exe, '/');
		if (dir) {
			*dir = 0;
			path = print("%s/../lib/" PRELOAD, exe);
			real = realpath(path, NULL);
			free(path);
			if (real && !access(real, R_OK))
				return real;
			free(real);
		}
	}
	path = print("%s/" PRELOAD, TOOL_LIBDIR);
	if (!access(path, R_OK))
		return path;
	error("cannot find " PRELOAD);
	hint("it should be in %s", TOOL_LIBDIR);
	free(path);
	return NULL;
}

/* Ours goes first: the first malloc() wins. */
static int preload_set(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *value;

	if (strpbrk(library, ": \t")) {
		error("the loader takes no path with a blank or a colon: %s", library);
		return EXIT_TROUBLE;
	}
	value = others && *others ? print("%s:%s", library, others) : print("%s", library);
	if (setenv("LD_PRELOAD", value, 1)) {
		error("cannot set LD_PRELOAD: %s", strerror(errno));
		free(value);
		return EXIT_TROUBLE;
	}
	free(value);
	return EXIT_FINE;
}

/* A list that the library would abort the program for. */
static bool guard_wrong(const char *list)
{
	static const char *const known[] = { "park", "refuse", "hide" };
	unsigned int seen = 0, i;
	const char *end;

	for (;; list = end + 1) {
		end = strchrnul(list, ',');
		for (i = 0; i < 3; i++)
			if (strlen(known[i]) == (size_t)(end - list) && !memcmp(list, known[i], end - list))
				break;
		if (i == 3)
			return true;
		seen |= 1U << i;
		if (!*end)
			return (seen & 3) == 3; /* to park and to refuse */
	}
}

/* What the module is to do about debuggers; NULL: as it is. */
static int guard_set(const char *list, const struct cryptmem_query *q)
{
	if (!list)
		return EXIT_FINE;
	if (!q->abi) {
		error("--guard needs the module");
		hint("as root: modprobe cryptmem");
		return EXIT_TROUBLE;
	}
	if (!(q->features & CRYPTMEM_FEAT_POLICY)) {
		error("this module can do nothing but park");
		hint("install module and command of one release, then reload the module");
		return EXIT_TROUBLE;
	}
	if (setenv("SALLOC_GUARD", list, 1)) {
		error("cannot set SALLOC_GUARD: %s", strerror(errno));
		return EXIT_TROUBLE;
	}
	return EXIT_FINE;
}

static int refuse(enum target verdict, const char *what)
{
	const char *privilege = "the loader ignores LD_PRELOAD for it: it would run without protection";

	switch (verdict) {
	case TARGET_FINE:
		return EXIT_FINE;
	case TARGET_UNREADABLE:
		error("cannot look into %s: %s", what, strerror(errno));
		break;
	case TARGET_UNKNOWN:
		error("%s: neither an ELF program nor a script with #!", what);
		break;
	case TARGET_MALFORMED:
		error("%s: malformed", what);
		break;
	case TARGET_STATIC:
		error("%s is statically linked: no library can be preloaded", what);
		hint("build it dynamically linked, or call salloc(3) in it");
		break;
	case TARGET_FOREIGN:
		error("%s is for another machine type than " PRELOAD, what);
		break;
	case TARGET_SETUID:
	case TARGET_SETGID:
	case TARGET_CAPABLE:
		error("%s is %s", what,
		      verdict == TARGET_SETUID ? "setuid" :
		      verdict == TARGET_SETGID ? "setgid" : "a program with file capabilities");
		hint("%s; run a copy of it, which has no such privilege", privilege);
		break;
	case TARGET_DEEP:
		error("%s: too many scripts that are run by scripts", what);
		break;
	}
	return EXIT_TROUBLE;
}

static int judge(const char *command, const char *path)
{
	enum target verdict;
	char *culprit;
	int status;

	if (!path) {
		error("cannot run %s: %s", command, strerror(errno));
		return EXIT_TROUBLE;
	}
	verdict = target_judge(path, &culprit);
	status = refuse(verdict, culprit);
	free(culprit);
	return status;
}

/*
 * The program finds out for itself whether the module is there: it must not make
 * do with less than it was promised here.
 */
static int require(bool module)
{
	const char *required = getenv("SALLOC_REQUIRE");
	int err;

	if (!module && required && *required && strcmp(required, "locked")) {
		error("SALLOC_REQUIRE=%s, and the kernel module is not loaded: --fallback would be less", required);
		return EXIT_TROUBLE;
	}
	err = module ? setenv("SALLOC_REQUIRE", "kernel", 1) : setenv("SALLOC_FALLBACK", "locked", 1);
	if (!err)
		return EXIT_FINE;
	error("cannot change the environment: %s", strerror(errno));
	return EXIT_TROUBLE;
}

/* Whether the module can be used; with --fallback it need not be there. */
static int module_there(bool fallback, struct cryptmem_query *q)
{
	int fd;

	if (!fallback || device_loaded())
		return module_usable(q);
	fd = device_open();
	if (fd >= 0) {
		close(fd);
		return module_usable(q);
	}
	memset(q, 0, sizeof(*q));
	hint("the kernel module cryptmem is not loaded: memory is locked, and not sealed");
	return EXIT_FINE;
}

int command_run(int argc, char **argv)
{
	const char *guard = NULL;
	bool fallback = false;
	struct cryptmem_query q;
	char *path, *library;
	int status, i = 1;

	/* Options of the command are not ours: look at the first words only. */
	if (i < argc && !strcmp(argv[i], "--help"))
		return usage_of("run");
	for (; i < argc; i++) {
		if (!strcmp(argv[i], "--fallback")) {
			fallback = true;
		} else if (!strncmp(argv[i], GUARD, strlen(GUARD))) {
			guard = argv[i] + strlen(GUARD);
			if (guard_wrong(guard))
				return usage_wrong("run", "park or refuse, and hide, with commas between; not: %s", guard);
		} else {
			break;
		}
	}
	if (i < argc && !strcmp(argv[i], "--"))
		i++;
	else if (i < argc && argv[i][0] == '-')
		return usage_wrong("run", "no such option: %s", argv[i]);
	if (i >= argc)
		return usage_wrong("run", "which command?");

	path = target_find(argv[i]);
	status = judge(argv[i], path);
	if (status == EXIT_FINE)
		status = module_there(fallback, &q);
	if (status == EXIT_FINE)
		status = require(q.abi);
	if (status == EXIT_FINE)
		status = guard_set(guard, &q);
	if (status == EXIT_FINE) {
		library = preload_find();
		status = library ? preload_set(library) : EXIT_TROUBLE;
		free(library);
	}
	if (status == EXIT_FINE) {
		execv(path, argv + i);
		error("cannot run %s: %s", path, strerror(errno));
		status = EXIT_TROUBLE;
	}
	free(path);
	return status;
}
