// SPDX-License-Identifier: GPL-2.0-only
/* PTRACE_PEEKDATA: attach (stopped by SIGSTOP), seize (stopped by PTRACE_INTERRUPT), all (every thread is stopped). */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "prey.h"
#include "tracer.h"

static pid_t tids[16];
static int count;

static void stop_all(void)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", prey->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) && count < 16 && tracer_stop(atoi(entry->d_name)))
			tids[count++] = atoi(entry->d_name);
	if (dir)
		closedir(dir);
}

int main(int argc, char **argv)
{
	static unsigned char bytes[PREY_BYTES];
	bool stands = true;
	size_t n;

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], "loop"))
		return 2;
	if (strcmp(argv[2], "attach") == 0) {
		if (ptrace(PTRACE_ATTACH, prey->pid, 0, 0) || !tracer_wait(prey->pid, 5000))
			return 2;
		tids[count++] = prey->pid;
	} else if (strcmp(argv[2], "seize") == 0) {
		if (!tracer_stop(prey->pid))
			return 2;
		tids[count++] = prey->pid;
	} else {
		stop_all();
		stands = prey_stands(400);
	}
	if (!count || !stands)
		return 2;
	n = tracer_peek(prey->pid, prey->secret, bytes, sizeof(bytes));
	for (int i = 0; i < count; i++)
		ptrace(PTRACE_DETACH, tids[i], 0, 0);
	prey_judge(bytes, sizeof(bytes), n ? "ciphertext" : "refused", "PTRACE_PEEKDATA");
}
