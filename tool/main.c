// SPDX-License-Identifier: GPL-2.0-only
/*
 * cryptmem: the command. This file is the map: the table of subcommands, and
 * the words about them.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "module.h"
#include "util.h"

/**
 * struct command - a subcommand
 * @name: its name
 * @operands: what follows it, for the usage
 * @purpose: in one line
 * @more: for `cryptmem help NAME`
 * @run: does it
 */
struct command {
	const char *name;
	const char *operands;
	const char *purpose;
	const char *more;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "status", "[--json] [PID...]", "the module, and whom it protects (default)",
	  "Without PID: the module's cipher, window and limits; as root also the protected\n"
	  "processes. With PID: only those. Exit status 1 if the module is not loaded, or\n"
	  "if a PID is not protected, or is locked. Without the module: what salloc(3) can\n"
	  "fall back to, and who has memory of that kind.\n",
	  command_status },
	{ "stats", "[--json]", "counters since the module was loaded (root)",
	  "Sums over all domains, those that have gone included. clean share: sealed\n"
	  "frames that needed no encryption. switch seal: time that a context switch\n"
	  "costs, out and in again.\n",
	  command_stats },
	{ "run", "[OPTION] COMMAND [ARG...]", "run a program with its heap protected",
	  "Runs COMMAND with libsalloc-preload.so, so that malloc() gives protected memory.\n"
	  "Refused, with exit status 2, where that would silently not work: setuid, setgid\n"
	  "and capability programs, static ones, those of another machine type; and when\n"
	  "the module is not there. Else the exit status is COMMAND's.\n"
	  "  --guard=LIST  what becomes of debuggers: park (wait for them to go) or refuse\n"
	  "                (SIGBUS), and hide (they read no registers), with a comma between\n"
	  "  --fallback    where the module is not loaded, locked memory will do: neither\n"
	  "                swapped out nor in core files\n"
	  "  --            the options end here\n",
	  command_run },
	{ "check", "[--json]", "try out whether protection really works here",
	  "Starts a process that owns protected memory, tries to read it from outside, and\n"
	  "reads ordinary memory the same way for comparison. Needs no privilege. Exit\n"
	  "status 0: protected; 1: not; 2: could not be tried.\n",
	  command_check },
	{ "audit", "[--json]", "what weakens protection here (root)",
	  "Looks at what lets root into the kernel or into a protected program, and at what\n"
	  "else weakens protection. A line for each: ok, open or unknown; what that means;\n"
	  "after an arrow what closes it. Every line is explained in cryptmem(8). Exit\n"
	  "status 0: all are ok; 1: some are open; 2: none is known to be open, but some\n"
	  "are unknown.\n",
	  command_audit },
	{ "version", "[--json]", "versions of this command and of the module",
	  "The module's is missing when it is not loaded.\n", command_version },
	{ "help", "[SUBCOMMAND]", "this, or more about a subcommand", "", command_help },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int usage(void)
{
	size_t i;

	puts("usage: cryptmem [SUBCOMMAND] [OPTION...] [ARG...]\n");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-8s%-26s%s\n", commands[i].name, commands[i].operands, commands[i].purpose);
	puts("\nexit status: 0 fine, 1 the thing asked about is not so, 2 usage or environment\n"
	     "see also: cryptmem(8), cryptmem(7)");
	return EXIT_FINE;
}

int usage_of(const char *subcommand)
{
	const struct command *c = find(subcommand);

	if (!c)
		return usage();
	printf("usage: cryptmem %s %s\n%s: %s\n", c->name, c->operands, c->name, c->purpose);
	if (*c->more)
		printf("\n%s", c->more);
	return EXIT_FINE;
}

int command_help(int argc, char **argv)
{
	int status, i = options(argc, argv, NULL, &status);

	if (i < 0)
		return status;
	if (argc - i > 1)
		return usage_wrong(NULL, "too many arguments");
	if (i == argc)
		return usage();
	if (!find(argv[i]))
		return usage_wrong(NULL, "no such subcommand: %s", argv[i]);
	return usage_of(argv[i]);
}

int command_version(int argc, char **argv)
{
	char version[64] = "unknown";
	struct json_object *object;
	bool json = false, loaded;
	int status, i = options(argc, argv, &json, &status);

	if (i < 0)
		return status;
	if (i < argc)
		return usage_wrong("version", "too many arguments");
	loaded = device_loaded();
	if (loaded)
		device_version(version, sizeof(version));
	if (json) {
		object = need(json_object_new_object());
		json_add_text(object, "command", TOOL_VERSION);
		json_add_u64(object, "abi", CRYPTMEM_ABI_VERSION);
		json_add_text(object, "module", loaded ? version : NULL);
		return json_show(object, EXIT_FINE);
	}
	printf("cryptmem %s, interface version %u\n", TOOL_VERSION, CRYPTMEM_ABI_VERSION);
	printf("module %s\n", loaded ? version : "not loaded");
	return EXIT_FINE;
}

static int dispatch(int argc, char **argv)
{
	static char *bare[] = { "status", NULL };
	const struct command *c;

	if (argc < 2)
		return command_status(1, bare);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage();
	if (!strcmp(argv[1], "--version")) {
		argv[1] = "version";
	} else if (!strcmp(argv[1], "--json")) {
		/* A report's option alone: the report that comes when bare. */
		argv[0] = "status";
		return command_status(argc, argv);
	}
	c = find(argv[1]);
	if (!c)
		return usage_wrong(NULL, "no such %s: %s", argv[1][0] == '-' ? "option" : "subcommand", argv[1]);
	return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	/* A report that nobody could read is no report. */
	if (fflush(stdout) || ferror(stdout)) {
		error("cannot write the output");
		return EXIT_TROUBLE;
	}
	return status;
}
