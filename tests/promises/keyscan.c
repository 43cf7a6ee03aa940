// SPDX-License-Identifier: GPL-2.0-only
/*
 * keyscan DUMP...: how many AES-128 keys there are in the first dump of RAM, by their schedules, and, for each further dump, how many of
 * these it still holds: as a schedule, or as nothing but the 16 bytes of the key, at any place. A schedule for decryption ends in these.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "look.h"

#define KEYS	64U

struct dump {
	const unsigned int *words;
	size_t size;
};

static unsigned int keys[KEYS][SCHEDULE_KEY];
static unsigned int known;

static bool map(struct dump *dump, const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return false;
	dump->size = (size_t)st.st_size;
	dump->words = mmap(NULL, dump->size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return dump->words != MAP_FAILED;
}

static bool is_known(const unsigned int *key)
{
	for (unsigned int i = 0; i < known; i++)
		if (memcmp(keys[i], key, sizeof(*keys)) == 0)
			return true;
	return false;
}

static bool collect(const struct dump *dump)
{
	for (size_t i = 0; i + SCHEDULE_WORDS <= dump->size / 4; i++) {
		if (!look_is_schedule(dump->words + i) || is_known(dump->words + i))
			continue;
		if (known == KEYS)
			return false;
		memcpy(keys[known++], dump->words + i, sizeof(*keys));
	}
	return true;
}

static unsigned int held(const struct dump *dump)
{
	unsigned int hits = 0;

	for (unsigned int i = 0; i < known; i++)
		hits += memmem(dump->words, dump->size, keys[i], sizeof(*keys)) != NULL;
	return hits;
}

int main(int argc, char **argv)
{
	struct dump dump;

	look_prepare();
	if (argc < 2 || !map(&dump, argv[1]) || !collect(&dump))
		return 2;
	printf("%u", known);
	for (int i = 2; i < argc; i++) {
		if (!map(&dump, argv[i]))
			return 2;
		printf(" %u", held(&dump));
	}
	puts("");
	return 0;
}
