// SPDX-License-Identifier: GPL-2.0-only
/*
 * exposed MEMORY SEED STATE[:SAMPLES]...: the guest's side of tests/attacks/ram_exposure. No way in by itself: brings a victim into each
 * state and has the machine's memory dumped, at some moment of each. What is found in a dump, the host tells.
 *	sleep, loop, busy	the victim's modes
 *	freed, exec, exit, killed	what the victim has become
 *	panic		busy, when the kernel panics: this does not return
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prey.h"

static void dump(const char *state)
{
	char line[32];

	printf("state %s\n@dump-ram\n", state);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(2);
}

static void panic(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	usleep(500000);
	if (write(fd, "c", 1) != 1)
		exit(2);
}

/* The victim is no more, or no more what it was. */
static void end(const char *state)
{
	int status;

	if (strcmp(state, "killed") == 0) {
		prey_end();
	} else if (strcmp(state, "freed") == 0) {
		if (!prey_command(1, 2))
			exit(2);
	} else if (strcmp(state, "exec") == 0) {
		prey->command = 2;
	} else {
		prey->command = 3;
		waitpid(prey->pid, &status, 0);
		prey->pid = 0;
	}
	usleep(300000);
}

int main(int argc, char **argv)
{
	prey_setup();
	for (int i = 3; i < argc; i++) {
		char *state = strtok(argv[i], ":"), *count = strtok(NULL, ":");
		bool mode = strcmp(state, "sleep") == 0 || strcmp(state, "loop") == 0 || strcmp(state, "busy") == 0;

		memset((void *)prey, 0, sizeof(*prey));
		prey->seed = strtoul(argv[2], NULL, 0);
		if (!prey_start(argv[1], mode ? state : strcmp(state, "panic") ? "end" : "busy"))
			return 2;
		if (strcmp(state, "panic") == 0)
			panic();
		else if (!mode)
			end(state);
		for (long n = count ? atol(count) : 1; n > 0; n--)
			dump(state);
		prey_end();
	}
	return 0;
}
