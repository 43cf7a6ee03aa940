// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim METHOD MODE: what tests/attacks/ways/victim.c is to the ways in, with its secret kept by a METHOD of peers/memory.h and opened around each
 * look at it. One thread. MODE: loop, sleep, late, as described there, but a second passes between looks: it is mostly at rest.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "peers/memory.h"
#include "tests/attacks/ways/prey.h"

#define NO_SUCH_MEMORY	77

static void caught(int signal)
{
	prey->fault = signal;
	for (;;)
		pause();
}

static void look(void)
{
	long wrong = 0;

	peer_open();
	for (size_t i = 0; i < PREY_BYTES; i++)
		wrong += peer_secret[i] != prey_byte(prey->seed, i);
	peer_close();
	prey->wrong += wrong != 0;
	prey->rounds++;
}

static void wait_for(int command)
{
	while (prey->command < command)
		usleep(1000);
}

int main(int argc, char **argv)
{
	bool late = argc == 3 && strcmp(argv[2], "late") == 0;

	if (argc != 3 || !getenv("PREY"))
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prey_setup();
	signal(SIGBUS, caught);
	prey->pid = getpid();
	prey->ready = late;
	if (late)
		wait_for(1);
	if (peer_have(argv[1], PREY_BYTES))
		return NO_SUCH_MEMORY;
	if (late) {
		prey->ready = 2;
		wait_for(2);
	}
	for (size_t i = 0; i < PREY_BYTES; i++)
		peer_secret[i] = prey_byte(prey->seed, i);
	prey->secret = (uintptr_t)peer_secret;
	peer_close();
	look();
	prey->ready = late ? 3 : 1;
	while (strcmp(argv[2], "sleep")) {
		usleep(1000000);
		look();
	}
	for (;;)
		pause();
}
