// SPDX-License-Identifier: GPL-2.0-only
/* P1 after a panic: the only program of a crash kernel. It searches the memory of the kernel before it, says what it found, and ends. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "look.h"

#define CHUNK	(1U << 18)	/* words */
#define KEPT	(SCHEDULE_WORDS - 1)

/* What was at the end of the last chunk, less than a schedule, and then this one. */
static unsigned int words[KEPT + CHUNK];

/* Until the end, or until the chunk is full: no less than that is a multiple of a word. */
static size_t fill(int fd)
{
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, (char *)(words + KEPT) + size, CHUNK * 4 - size)) > 0)
		size += (size_t)n;
	if (n < 0)
		perror("crash-scan: error");
	return n < 0 ? 0 : size / 4;
}

static void scan(int fd)
{
	unsigned int rows = 0, schedules = 0;
	size_t n, total = 0;

	look_prepare();
	while ((n = fill(fd))) {
		rows += look_rows(words, KEPT + n);
		for (size_t i = 0; i < n; i++)
			schedules += look_is_schedule(words + i);
		memmove(words, words + n, KEPT * 4);
		total += n * 4;
	}
	printf("crash-scan: rows %u schedules %u of %zu MB\n", rows, schedules, total >> 20);
}

int main(void)
{
	int fd;

	mount("proc", "/proc", "proc", 0, NULL);
	fd = open("/proc/vmcore", O_RDONLY);
	if (fd < 0)
		perror("crash-scan: error: /proc/vmcore");
	else
		scan(fd);
	fflush(stdout);
	sleep(1);	/* for the console */
	reboot(RB_POWER_OFF);
	return 0;
}
