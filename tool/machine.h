/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine: reads what this machine says about itself, for the audit.
 */
#ifndef TOOL_MACHINE_H
#define TOOL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far the kernel keeps root out of itself; each level closes what those before it do. */
enum lockdown { LOCKDOWN_UNKNOWN = -1, LOCKDOWN_NONE, LOCKDOWN_INTEGRITY, LOCKDOWN_CONFIDENTIALITY };

enum known { KNOWN_NOT = -1, KNOWN_NO, KNOWN_YES };

/**
 * struct machine - what several items want to know
 * @release: the running kernel's
 * @config: text of its configuration, NULL: not found
 * @cmdline: its command line, NULL: not to be read
 * @symbols: functions of it and of its modules, NULL: not to be read
 * @flags: the first CPU's, between blanks, NULL: not to be read
 * @lockdown: its level
 * @lockdown_why: why that is unknown, or none
 * @lockdown_how: what to do to know it, or NULL
 */
struct machine {
	char release[128];
	char *config;
	char *cmdline;
	char *symbols;
	char *flags;
	enum lockdown lockdown;
	const char *lockdown_why;
	const char *lockdown_how;
};

void machine_learn(struct machine *m);
void machine_forget(struct machine *m);

/* A CONFIG_ option that is y or not, by its name after that. */
enum known machine_config(const struct machine *m, const char *option);
/* The last value on the kernel's command line, to be freed, or NULL: not there. */
char *machine_parameter(const struct machine *m, const char *name);
/* A function of the kernel's, or, if that is not NULL, of a module's that is loaded. */
enum known machine_symbol(const struct machine *m, const char *name, const char *module);
bool machine_flag(const struct machine *m, const char *flag);

/* To be freed, without its last newline, or NULL with errno. */
char *machine_text(const char *path, ...) __attribute__((format(printf, 1, 2)));
/* The same of a file that may be compressed, by its name; *len bytes. */
char *machine_unpacked(const char *path, size_t *len);
bool machine_has(const char *path, ...) __attribute__((format(printf, 1, 2)));
int machine_number(const char *path, int64_t *value);

/* Names in a directory, sorted, each and the list to be freed; how many, or -1 with errno. */
int machine_list(const char *path, char ***names);
void machine_list_free(char **names, int n);

#endif /* TOOL_MACHINE_H */
