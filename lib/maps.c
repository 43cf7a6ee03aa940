// SPDX-License-Identifier: LGPL-2.1-or-later
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A line and what may follow: names of files are cut at a part of that. */
#define LINE_BYTES	512
#define CHUNK_BYTES	2048

struct walk {
	uintptr_t at, end;	/* what has not been seen yet */
	bool holes;		/* are to be passed over */
	bool flags;		/* are to be read, from lines that follow: */
	struct sl_map map;	/* what they are about */
	int (*look)(const struct sl_map *map, void *arg);
	void *arg;
	char line[LINE_BYTES];
	size_t length;
};

static const char *parse_hex(const char *text, uintptr_t *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;

	for (*value = 0; *text && (digit = strchr(digits, *text)); text++)
		*value = *value << 4 | (uintptr_t)(digit - digits);
	return text;
}

static const char *skip_words(const char *text, unsigned int words)
{
	while (words--) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return text;
}

/* 55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0          [heap] */
static bool parse(const char *line, struct sl_map *map)
{
	const char *at = parse_hex(line, &map->start);

	if (*at++ != '-')
		return false;
	at = parse_hex(at, &map->end);
	if (*at++ != ' ' || strcspn(at, " ") != 4)
		return false;
	map->readable = at[0] == 'r';
	map->writable = at[1] == 'w';
	map->executable = at[2] == 'x';
	map->shared = at[3] == 's';
	at = parse_hex(skip_words(at, 2), &map->major);
	if (*at++ != ':')
		return false;
	at = skip_words(parse_hex(at, &map->minor), 1);
	map->inode = strtoull(at, NULL, 10);
	map->name = skip_words(at, 1);
	return true;
}

/* Whether there is no need to go on: *@err says with what. */
static bool one_map(struct walk *walk, int *err)
{
	const struct sl_map *map = &walk->map;

	if (map->end <= walk->at)
		return false;
	if (map->start > walk->at && !walk->holes) {
		*err = -ENOMEM;
		return true;
	}
	*err = 0;
	if (map->start >= walk->end)
		return true;
	*err = walk->look(map, walk->arg);
	walk->at = map->end;
	return *err || walk->at >= walk->end;
}

static bool one_line(struct walk *walk, int *err)
{
	static const char vmflags[] = "VmFlags:";

	walk->line[walk->length] = '\0';
	walk->length = 0;
	/* What smaps has of a mapping begins with a capital letter. */
	if (walk->flags && walk->line[0] >= 'A' && walk->line[0] <= 'Z') {
		if (strncmp(walk->line, vmflags, strlen(vmflags)))
			return false;
		walk->map.undumped = strstr(walk->line, " dd");
		return one_map(walk, err);
	}
	if (!parse(walk->line, &walk->map)) {
		*err = -EIO;
		return true;
	}
	if (!walk->flags)
		return one_map(walk, err);
	walk->map.name = "";
	return false;
}

static int read_lines(struct walk *walk, int fd)
{
	char chunk[CHUNK_BYTES];
	ssize_t got;
	int err;

	for (;;) {
		do {
			got = syscall(SYS_read, fd, chunk, sizeof(chunk));
		} while (got < 0 && errno == EINTR);
		if (got < 0)
			return -errno;
		if (!got)
			return walk->holes ? 0 : -ENOMEM;
		for (ssize_t i = 0; i < got; i++) {
			if (chunk[i] == '\n' && one_line(walk, &err))
				return err;
			if (chunk[i] != '\n' && walk->length < LINE_BYTES - 1)
				walk->line[walk->length++] = chunk[i];
		}
	}
}

static int walk_maps(struct walk *walk)
{
	/* Past cancellation points, and past wrappers that call malloc(). */
	int fd = -1, err;

	if (walk->flags)
		fd = syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/smaps", O_RDONLY | O_CLOEXEC, 0);
	/* Some kernels have none, some policies forbid it. */
	if (fd < 0) {
		walk->flags = false;
		walk->map.undumped = true;
		fd = syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/maps", O_RDONLY | O_CLOEXEC, 0);
	}
	if (fd < 0)
		return -errno;
	err = read_lines(walk, fd);
	syscall(SYS_close, fd);
	return err;
}

int sl_maps_walk(uintptr_t start, uintptr_t end, bool flags,
		 int (*look)(const struct sl_map *map, void *arg), void *arg)
{
	return walk_maps(&(struct walk){ .at = start, .end = end, .look = look, .arg = arg, .flags = flags });
}

int sl_maps_walk_mapped(uintptr_t start, uintptr_t end, bool flags,
			int (*look)(const struct sl_map *map, void *arg), void *arg)
{
	return walk_maps(&(struct walk){ .at = start, .end = end, .look = look, .arg = arg, .flags = flags, .holes = true });
}
