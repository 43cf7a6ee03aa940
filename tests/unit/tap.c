// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tap.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int run, failed;

bool tap_ok(bool good, const char *file, int line, const char *format, ...)
{
	va_list list;

	printf("%sok %d - ", good ? "" : "not ", ++run);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	if (!good) {
		failed++;
		printf("# %s:%d\n", file, line);
	}
	fflush(stdout);
	return good;
}

void tap_note(const char *format, ...)
{
	va_list list;

	printf("# ");
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	fflush(stdout);
}

int tap_done(void)
{
	printf("1..%d\n", run);
	return failed ? 1 : 0;
}

static size_t read_all(int fd, char *text, size_t room)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, text + length, room - 1 - length)) > 0)
		length += got;
	text[length] = '\0';
	return length;
}

bool tap_aborts(void (*function)(void *), void *argument, const char *message,
		const void *ptr)
{
	char seen[512], wanted[512];
	int ends[2], status = 0;
	pid_t child;

	if (pipe(ends))
		abort();
	child = fork();
	if (!child) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		function(argument);
		_exit(0);
	}
	close(ends[1]);
	read_all(ends[0], seen, sizeof(seen));
	close(ends[0]);
	waitpid(child, &status, 0);
	if (ptr)
		snprintf(wanted, sizeof(wanted), "libsalloc: %s %p\n", message,
			 ptr);
	else
		snprintf(wanted, sizeof(wanted), "libsalloc: %s\n", message);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
	    !strcmp(seen, wanted))
		return true;
	tap_note("status %#x, stderr: %s", status, seen);
	return false;
}

bool tap_child(bool (*function)(void *), void *argument)
{
	int status = 0;
	pid_t child = fork();

	if (!child)
		_exit(function(argument) ? 0 : 1);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (status)
		tap_note("child: status %#x", status);
	return !status;
}

unsigned long tap_rounds(unsigned long usual)
{
	const char *percent = getenv("UNIT_PERCENT");
	unsigned long rounds = usual;

	if (percent && strtoul(percent, NULL, 10) < 100)
		rounds = usual * strtoul(percent, NULL, 10) / 100;
	return rounds ? rounds : 1;
}

unsigned long tap_random(struct tap_random *random, unsigned long below)
{
	/* xorshift64* */
	unsigned long long x = random->state ? random->state : 88172645463325252;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return (x * 2685821657736338717ULL >> 16) % below;
}

bool tap_is_filled(const void *memory, int byte, size_t length)
{
	const unsigned char *at = memory;

	for (; length; length--)
		if (*at++ != (unsigned char)byte)
			return false;
	return true;
}
