// SPDX-License-Identifier: GPL-2.0-only
/*
 * keep KEEPER...: runs keepers (see keeper.h), one after the other, each of which is a command for the shell. When one waits, its memory is
 * searched as root does that, through /proc/PID/mem, and then the machine's RAM is dumped for tests/features/run to search. Prints
 *
 *	mem ROWS	rows of the sequence that were found there, once for each keeper
 *	end STATUS	how it ended when it was told to go on: 0, or its exit status or signal
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../promises/dump.h"
#include "rows.h"

static void say(const char *what, unsigned int number)
{
	printf("%s %u\n", what, number);
	fflush(stdout);
}

/* What a program's file holds is no secret, and not what is looked for. */
static void forget_file(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		exit(2);
	close(fd);
}

/* Out of the way of the two that the keeper knows; and nothing else keeps it open, so that the end of a keeper is seen. */
static int out_of_the_way(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	if (moved < 0)
		exit(2);
	close(fd);
	return moved;
}

static pid_t start(const char *command, int *to, int *from)
{
	char line[4096];
	int there[2], back[2];
	pid_t pid;

	snprintf(line, sizeof(line), "exec %s", command);
	if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		exit(2);
	there[0] = out_of_the_way(there[0]);
	back[1] = out_of_the_way(back[1]);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(back[1], 3) == 3 && dup2(there[0], 4) == 4)
			execl("/bin/sh", "sh", "-c", line, NULL);
		_exit(126);
	}
	close(there[0]);
	close(back[1]);
	*to = there[1];
	*from = back[0];
	return pid;
}

static void stage(const char *command)
{
	int to, from, status = -1;
	pid_t pid = start(command, &to, &from);
	char byte = 0;

	if (read(from, &byte, 1) == 1) {
		say("mem", rows_in_process(pid));
		forget_file(pid);
		dump_ram();
		if (write(to, &byte, 1) != 1)
			exit(2);
	}
	waitpid(pid, &status, 0);
	say("end", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	close(to);
	close(from);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		stage(argv[i]);
	return 0;
}
