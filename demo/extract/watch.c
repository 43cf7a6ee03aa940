// SPDX-License-Identifier: GPL-2.0-only
#include "watch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "image.h"

const char *const watch_names[WATCH_WAYS] = {
	"stopped by a signal", "stopped by ptrace", "running on another CPU",
};

static char state_of(pid_t pid)
{
	char path[64], line[512], *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	at = f ? fgets(line, sizeof(line), f) : NULL;
	if (f)
		fclose(f);
	/* behind the name, which may have anything in it */
	at = at ? strrchr(line, ')') : NULL;
	return at && at[1] ? at[2] : 0;
}

static bool wait_stopped(pid_t pid)
{
	const struct timespec moment = { 0, 200000 };

	for (int i = 0; i < 25000; i++) {
		char state = state_of(pid);

		if (state == 'T')
			return true;
		if (!state || state == 'Z' || state == 'X')
			return false;
		nanosleep(&moment, NULL);
	}
	return false;
}

static bool look_stopped(struct image *image, pid_t pid, size_t limit)
{
	bool good;

	if (kill(pid, SIGSTOP))
		return false;
	good = wait_stopped(pid) && image_of_process(image, pid, IMAGE_MEM, limit);
	kill(pid, SIGCONT);
	return good;
}

static bool look_traced(struct image *image, pid_t pid, size_t limit)
{
	bool good;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0))
		return false;
	good = !ptrace(PTRACE_INTERRUPT, pid, 0, 0) &&
	       waitpid(pid, NULL, __WALL) == pid &&
	       image_of_process(image, pid, IMAGE_MEM, limit);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return good;
}

/**
 * watch_look() - once
 * @image: what to fill in
 * @pid: the process
 * @how: how
 * @limit: bytes of each mapping at most
 *
 * Return: whether anything could be read; if not, @image is empty.
 */
bool watch_look(struct image *image, pid_t pid, enum watch_how how, size_t limit)
{
	memset(image, 0, sizeof(*image));
	switch (how) {
	case WATCH_STOPPED:
		return look_stopped(image, pid, limit);
	case WATCH_TRACED:
		return look_traced(image, pid, limit);
	default:
		return image_of_process(image, pid, IMAGE_MEM, limit);
	}
}
