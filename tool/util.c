// SPDX-License-Identifier: GPL-2.0-only
/*
 * util: see util.h.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static void say(const char *kind, const char *fmt, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "cryptmem: %s: ", kind);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("error", fmt, args);
	va_end(args);
}

void hint(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("hint", fmt, args);
	va_end(args);
}

void *need(void *memory)
{
	if (!memory) {
		error("out of memory");
		exit(EXIT_TROUBLE);
	}
	return memory;
}

char *print(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	return need(len < 0 ? NULL : text);
}

/* Bytes of the UTF-8 character that text starts with, 0 if it is none. */
static size_t utf8_len(const unsigned char *text)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int code = *text;
	size_t len, i;

	if (code < 0x80)
		return 1;
	if (code < 0xc0 || code >= 0xf8)
		return 0;
	len = code >= 0xf0 ? 4 : code >= 0xe0 ? 3 : 2;
	code &= 0x7f >> len;
	for (i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return len;
}

/*
 * A process chooses its own name, and root reads it on a terminal: control
 * characters, C1's too, and what is no UTF-8 become question marks.
 */
void text_clean(char *text)
{
	unsigned char *c = (unsigned char *)text;

	while (*c) {
		size_t len = utf8_len(c);
		bool control = *c < 0x20 || *c == 0x7f || (*c == 0xc2 && len && c[1] < 0xa0);

		if (len && !control) {
			c += len;
			continue;
		}
		if (!len)
			len = 1;
		memset(c, '?', len);
		c += len;
	}
}

int options(int argc, char **argv, bool *json, int *status)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	/* Operands first is fine for a report, and "--" ends the options. */
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		if (c == 'j' && json) {
			*json = true;
		} else if (c == 'h') {
			*status = usage_of(argv[0]);
			return -1;
		} else {
			*status = usage_wrong(argv[0], "no such option: %s", argv[optind - 1]);
			return -1;
		}
	}
	return optind;
}

int usage_wrong(const char *subcommand, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("error", fmt, args);
	va_end(args);
	hint("see: cryptmem help%s%s", subcommand ? " " : "", subcommand ? subcommand : "");
	return EXIT_TROUBLE;
}

void json_add_u64(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, need(json_object_new_uint64(value)));
}

void json_add_bool(struct json_object *to, const char *name, bool value)
{
	json_object_object_add(to, name, need(json_object_new_boolean(value)));
}

void json_add_text(struct json_object *to, const char *name, const char *value)
{
	json_object_object_add(to, name, value ? need(json_object_new_string(value)) : NULL);
}

/* Prints and frees an object; returns status. */
int json_show(struct json_object *object, int status)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return status;
}
