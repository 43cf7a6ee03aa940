// SPDX-License-Identifier: LGPL-2.1-or-later
#include "die.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines are short: this holds the longest of ours with room to spare. */
struct line {
	char text[256];
	size_t length;
};

static void add(struct line *line, const char *text)
{
	size_t room = sizeof(line->text) - line->length;
	size_t length = strnlen(text, room);

	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static void add_pointer(struct line *line, const void *ptr)
{
	char digits[2 + 2 * sizeof(ptr) + 1];
	char *at = digits + sizeof(digits) - 1;
	uintptr_t value = (uintptr_t)ptr;

	*at = '\0';
	do {
		*--at = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	*--at = 'x';
	*--at = '0';
	add(line, at);
}

static noreturn void finish(struct line *line)
{
	add(line, "\n");
	/* There is nobody left to tell when this fails. */
	if (write(STDERR_FILENO, line->text, line->length) < 0)
		abort();
	abort();
}

noreturn void sl_die(const char *who, const char *what, const void *ptr)
{
	struct line line = { .length = 0 };

	add(&line, "libsalloc: ");
	if (who) {
		add(&line, who);
		add(&line, " ");
	}
	add(&line, what);
	add(&line, " ");
	add_pointer(&line, ptr);
	finish(&line);
}

noreturn void sl_die_text(const char *text)
{
	struct line line = { .length = 0 };

	add(&line, "libsalloc: ");
	add(&line, text);
	finish(&line);
}

noreturn void sl_die_about(const char *text, const char *what)
{
	struct line line = { .length = 0 };

	add(&line, "libsalloc: ");
	add(&line, text);
	add(&line, " ");
	add(&line, what);
	finish(&line);
}

static const char *reason(int err)
{
	switch (-err) {
	case ENOSYS:
		return "the kernel module cryptmem is not loaded";
	case EACCES:
		return "no permission to open /dev/cryptmem";
	case EDQUOT:
		return "this user has no protected memory left";
	case ENOENT:
		return "/proc is not mounted";
	default:
		return "cannot get protected memory";
	}
}

noreturn void sl_die_unprotected(const char *who, int err)
{
	struct line line = { .length = 0 };

	add(&line, "libsalloc: ");
	add(&line, who);
	add(&line, ": ");
	add(&line, reason(err));
	finish(&line);
}
