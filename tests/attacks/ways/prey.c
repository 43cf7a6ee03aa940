// SPDX-License-Identifier: GPL-2.0-only
#include "prey.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

struct prey *prey;
static char path[64];

unsigned char prey_byte(uint64_t seed, size_t i)
{
	uint64_t x = seed + (i + 1) * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	/* There are strings in it of that length, none of which is a short one by chance. */
	return i % 64 == 63 ? 0 : (unsigned char)(1 + (x >> 56) % 255);
}

static void remove_file(void)
{
	unlink(path);
}

void prey_setup(void)
{
	const char *given = getenv("PREY");
	int fd;

	if (given) {
		fd = open(given, O_RDWR | O_CLOEXEC);
	} else {
		strcpy(path, "/dev/shm/prey.XXXXXX");
		fd = mkostemp(path, O_CLOEXEC);
		setenv("PREY", path, 1);
		atexit(remove_file);
	}
	if (fd < 0 || ftruncate(fd, sizeof(*prey))) {
		perror(given ? given : path);
		exit(2);
	}
	prey = mmap(NULL, sizeof(*prey), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (prey == MAP_FAILED) {
		perror("prey: mmap");
		exit(2);
	}
	close(fd);
	if (!given && getrandom((void *)&prey->seed, sizeof(prey->seed), 0) != sizeof(prey->seed))
		exit(2);
}

bool prey_start(const char *memory, const char *mode)
{
	char self[512], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 8);
	pid_t pid;

	if (n < 0)
		exit(2);
	self[n] = 0;
	slash = strrchr(self, '/');
	strcpy(slash + 1, "victim");
	pid = fork();
	if (pid == 0) {
		execl(self, self, memory, mode, (char *)NULL);
		perror(self);
		_exit(126);
	}
	prey->pid = pid;
	return prey_command(0, 1);
}

bool prey_command(int command, int ready)
{
	prey->command = command;
	for (int i = 0; i < 20000 && prey->ready < ready && !prey->fault; i++) {
		int status;

		if (waitpid(prey->pid, &status, WNOHANG) == prey->pid && !WIFSTOPPED(status)) {
			prey->pid = 0;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
				prey_tell("unavailable", "this kernel has no such memory");
			fprintf(stderr, "the victim ended before it was ready: %#x\n", status);
			exit(2);
		}
		usleep(1000);
	}
	return prey->ready >= ready;
}

bool prey_find_code(uint64_t address, char path[256], uint64_t *offset)
{
	uint64_t start, end, at;
	char maps[64], line[512];
	bool found = false;
	FILE *f;

	snprintf(maps, sizeof(maps), "/proc/%d/maps", prey->pid);
	f = fopen(maps, "r");
	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %255s", &start, &end, &at, path) != 4)
			continue;
		found = address >= start && address < end;
		*offset = address - start + at;
	}
	if (f)
		fclose(f);
	return found;
}

bool prey_goes_on(void)
{
	long rounds = prey->rounds;

	/* The round that is under way may have begun before. */
	for (int i = 0; i < 5000 && prey->rounds < rounds + 2 && !prey->fault; i++)
		usleep(1000);
	return prey->rounds >= rounds + 2;
}

bool prey_stands(unsigned int ms)
{
	long rounds;

	usleep(ms * 1000 / 2);
	rounds = prey->rounds;
	usleep(ms * 1000 / 2);
	return prey->rounds == rounds;
}

bool prey_lives(void)
{
	/* A machine that is busy elsewhere may need many seconds for two rounds. */
	return (prey_goes_on() || prey_goes_on() || prey_goes_on()) && !prey->wrong;
}

void prey_end(void)
{
	if (prey->pid) {
		kill(prey->pid, SIGKILL);
		waitpid(prey->pid, NULL, __WALL);
		prey->pid = 0;
	}
}

static bool is_row(const volatile unsigned char *at, size_t row)
{
	for (size_t n = 0; n < PREY_ENOUGH; n++)
		if (at[n] != prey_byte(prey->seed, row + n))
			return false;
	return true;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* How rows begin, in order: 8 bytes of each, so that this is no row. Files may be large, and what is in them is mostly zero. */
static const uint64_t *beginnings(bool *filter)
{
	static uint64_t words[PREY_BYTES / PREY_ENOUGH];

	for (size_t row = 0; row < PREY_BYTES / PREY_ENOUGH; row++) {
		words[row] = 0;
		for (size_t i = 0; i < 8; i++)
			words[row] |= (uint64_t)prey_byte(prey->seed, row * PREY_ENOUGH + i) << 8 * i;
		filter[words[row] & 0xffff] = true;
	}
	qsort(words, PREY_BYTES / PREY_ENOUGH, sizeof(*words), compare);
	return words;
}

void prey_restore(uint64_t *words, size_t count)
{
#ifndef __x86_64__
	for (size_t at = 0; at < PREY_BYTES; at += 8) {
		uint64_t word = 0;

		for (size_t i = 0; i < 8; i++)
			word |= (uint64_t)prey_byte(prey->seed, at + i) << 8 * i;
		for (size_t i = 0; i < count; i++)
			if (((words[i] ^ word) & ((1UL << 48) - 1)) == 0)
				words[i] = word;
	}
#else
	(void)words, (void)count;
#endif
}

bool prey_leaked(const volatile void *bytes, size_t length)
{
	bool filter[1 << 16] = { false };
	const uint64_t *words = beginnings(filter);
	const volatile unsigned char *at = bytes;
	uint64_t word;

	for (size_t start = 0; start + PREY_ENOUGH <= length; start++) {
		if (!filter[at[start] | at[start + 1] << 8])
			continue;
		memcpy(&word, (const void *)(at + start), sizeof(word));
		if (!bsearch(&word, words, PREY_BYTES / PREY_ENOUGH, sizeof(word), compare))
			continue;
		for (size_t i = 0; i < PREY_BYTES; i += PREY_ENOUGH)
			if (is_row(at + start, i))
				return true;
	}
	return false;
}

void prey_tell(const char *result, const char *detail, ...)
{
	va_list list;

	prey_end();
	printf("%s\t", result);
	va_start(list, detail);
	vprintf(detail, list);
	va_end(list);
	putchar('\n');
	exit(0);
}

void prey_judge(const volatile void *bytes, size_t length, const char *otherwise, const char *detail)
{
	bool lives;

	if (prey_leaked(prey->loot, PREY_BYTES) || (bytes && prey_leaked(bytes, length)))
		prey_tell("leak", "%s", detail);
	lives = prey_lives();
	/* Code that was left behind may have run only now. */
	if (prey_leaked(prey->loot, PREY_BYTES))
		prey_tell("leak", "%s", detail);
	if (prey->fault == SIGBUS && !prey->wrong && strcmp(otherwise, "refused") == 0)
		prey_tell("refused", "%s; the victim is locked", detail);
	if (!lives)
		prey_tell("broken", "%s; the victim does not go on: %ld rounds, %ld wrong, signal %d", detail, prey->rounds, prey->wrong, prey->fault);
	prey_tell(otherwise, "%s", detail);
}
