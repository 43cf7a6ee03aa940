/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * util: what every subcommand needs: messages, exit codes, text that is safe to
 * print, JSON.
 */
#ifndef TOOL_UTIL_H
#define TOOL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Others' scripts depend on these. */
enum {
	EXIT_FINE = 0,
	EXIT_NOT_SO = 1, /* the thing asked about is not so */
	EXIT_TROUBLE = 2, /* usage or environment */
};

void error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void hint(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Both end the command with EXIT_TROUBLE when there is no memory. */
void *need(void *memory);
char *print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void text_clean(char *text);

/*
 * The options of a subcommand that reports: --json, if json is not NULL, and
 * --help. Returns the index of the first operand, or -1 with *status set: the
 * subcommand is to return that.
 */
int options(int argc, char **argv, bool *json, int *status);
int usage_of(const char *subcommand);
int usage_wrong(const char *subcommand, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void json_add_u64(struct json_object *to, const char *name, uint64_t value);
void json_add_bool(struct json_object *to, const char *name, bool value);
void json_add_text(struct json_object *to, const char *name, const char *value);
int json_show(struct json_object *object, int status);

#endif /* TOOL_UTIL_H */
