// SPDX-License-Identifier: GPL-2.0-only
/*
 * parse: see parse.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "util.h"

#define COLUMNS_MAX	64
#define COUNTERS_MAX	32

#define TOTALS_COUNTER(name) { #name, offsetof(struct totals, name) },
#define DOMAIN_COUNTER(name) { #name, offsetof(struct domain, name) },

const struct counter parse_totals_counters[] = {
	PARSE_TOTALS(TOTALS_COUNTER) { NULL, 0 },
};
const struct counter parse_domain_counters[] = {
	PARSE_DOMAIN(DOMAIN_COUNTER) { NULL, 0 },
};

_Static_assert(sizeof(parse_totals_counters) / sizeof(struct counter) <= COUNTERS_MAX, "bits of a set");

/* strtoull() would take signs, blanks and what overflows. */
int parse_u64(const char *text, uint64_t *value)
{
	uint64_t sum = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*text - '0'), &sum))
			return -1;
	}
	*value = sum;
	return 0;
}

static int find(const struct counter *counters, const char *name)
{
	int i;

	for (i = 0; counters[i].name; i++)
		if (!strcmp(counters[i].name, name))
			return i;
	return -1;
}

static int set(void *of, const struct counter *c, const char *text)
{
	return parse_u64(text, (uint64_t *)(void *)((char *)of + c->offset));
}

/* A line without its newline; false at the end. Cut short, or with a NUL in it, it is malformed. */
static bool next_line(FILE *file, char **line, size_t *room, bool *bad)
{
	ssize_t len = getline(line, room, file);

	if (len < 0) {
		*bad |= ferror(file);
		return false;
	}
	if ((size_t)len != strlen(*line) || (*line)[len - 1] != '\n')
		*bad = true;
	else
		(*line)[len - 1] = 0;
	return true;
}

static int totals_line(char *line, struct totals *t, uint32_t *seen)
{
	char *value = strchr(line, ' ');
	uint64_t ignored;
	int i;

	if (!value)
		return -1;
	*value++ = 0;
	i = find(parse_totals_counters, line);
	if (i < 0)
		return parse_u64(value, &ignored);
	if (*seen & UINT32_C(1) << i)
		return -1;
	*seen |= UINT32_C(1) << i;
	return set(t, &parse_totals_counters[i], value);
}

int parse_totals(FILE *file, struct totals *t)
{
	size_t room = 0, all = sizeof(parse_totals_counters) / sizeof(struct counter) - 1;
	uint32_t seen = 0;
	char *line = NULL;
	bool bad = false;

	while (next_line(file, &line, &room, &bad))
		if (bad || totals_line(line, t, &seen))
			bad = true;
	free(line);
	return bad || seen != (UINT32_C(1) << all) - 1 ? -1 : 0;
}

/* What is in a column: a counter's index, or one of these. */
enum { COLUMN_UNKNOWN = -1, COLUMN_PID = -2, COLUMN_COMM = -3, COLUMN_STATE = -4 };

struct columns {
	int what[COLUMNS_MAX];
	int count;
};

static int column(const char *name)
{
	if (!strcmp(name, "pid"))
		return COLUMN_PID;
	if (!strcmp(name, "comm"))
		return COLUMN_COMM;
	if (!strcmp(name, "state"))
		return COLUMN_STATE;
	return find(parse_domain_counters, name);
}

static bool columns_have(const struct columns *c, int what)
{
	int i;

	for (i = 0; i < c->count; i++)
		if (c->what[i] == what)
			return true;
	return false;
}

static int parse_header(char *line, struct columns *c)
{
	char *name;
	int i, what;

	c->count = 0;
	while ((name = strsep(&line, " "))) {
		what = column(name);
		if (!*name || c->count == COLUMNS_MAX || (what != COLUMN_UNKNOWN && columns_have(c, what)))
			return -1;
		c->what[c->count++] = what;
	}
	for (what = COLUMN_PID; what >= COLUMN_STATE; what--)
		if (!columns_have(c, what))
			return -1;
	for (i = 0; parse_domain_counters[i].name; i++)
		if (!columns_have(c, i))
			return -1;
	return 0;
}

static bool octal(char c, char most)
{
	return c >= '0' && c <= most;
}

/* Undoes seq_escape(): blanks and backslashes come as three octal digits. */
static int unescape(const char *from, char *to, size_t room)
{
	size_t n = 0;

	while (*from) {
		unsigned char c = *from++;

		if (n + 1 == room)
			return -1;
		if (c == '\\') {
			if (!octal(from[0], '3') || !octal(from[1], '7') || !octal(from[2], '7'))
				return -1;
			c = (from[0] - '0') << 6 | (from[1] - '0') << 3 | (from[2] - '0');
			if (!c)
				return -1;
			from += 3;
		}
		to[n++] = c;
	}
	to[n] = 0;
	return 0;
}

static int domain_field(struct domain *d, int what, const char *text)
{
	uint64_t pid;

	switch (what) {
	case COLUMN_UNKNOWN:
		return 0;
	case COLUMN_PID:
		if (parse_u64(text, &pid) || !pid || pid > INT_MAX)
			return -1;
		d->pid = pid;
		return 0;
	case COLUMN_COMM:
		if (unescape(text, d->comm, sizeof(d->comm)))
			return -1;
		text_clean(d->comm);
		return 0;
	case COLUMN_STATE:
		if (!*text || unescape(text, d->state, sizeof(d->state)))
			return -1;
		text_clean(d->state);
		return 0;
	default:
		return set(d, &parse_domain_counters[what], text);
	}
}

/* strsep(), as a name may be empty. */
static int domain_line(char *line, const struct columns *c, struct domain *d)
{
	char *text;
	int i = 0;

	while ((text = strsep(&line, " ")))
		if (i == c->count || domain_field(d, c->what[i++], text))
			return -1;
	return i == c->count ? 0 : -1;
}

int parse_domains(FILE *file, struct domain **domains)
{
	struct domain *all = NULL;
	struct columns c;
	size_t room = 0;
	char *line = NULL;
	bool bad = false;
	int n = 0;

	if (!next_line(file, &line, &room, &bad) || bad || parse_header(line, &c))
		bad = true;
	while (!bad && next_line(file, &line, &room, &bad)) {
		all = need(realloc(all, (n + 1) * sizeof(*all)));
		memset(&all[n], 0, sizeof(*all));
		if (bad || domain_line(line, &c, &all[n++]))
			bad = true;
	}
	free(line);
	if (bad) {
		free(all);
		return -1;
	}
	*domains = all;
	return n;
}
