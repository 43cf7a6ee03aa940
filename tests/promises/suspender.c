// SPDX-License-Identifier: GPL-2.0-only
/*
 * P1 where the machine sleeps, the guest's side: an owner of a few pages of a sequence, fewer than a window has, which suspends the machine itself, or sleeps
 * as another process does; see tests/promises/suspend. Whoever suspends a machine is on a CPU until it is off.
 *
 * suspender region|ordinary itself|other
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "sequence.h"

#define PAGES	16U

static bool suspend(void)
{
	char state[64], kind[64];

	victim_get("/sys/power/state", state, sizeof(state));
	victim_get("/sys/power/mem_sleep", kind, sizeof(kind));
	printf("# /sys/power/state: %s; mem_sleep: %s\n", state, kind);
	fflush(stdout);
	return strstr(kind, "[deep]") && victim_set("/sys/power/state", "mem");
}

static bool have_another_suspend(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* It has the region, too, and is to be like anybody else. */
		execl("/proc/self/exe", "suspender", "suspend", NULL);
		_exit(2);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	volatile unsigned int *words;
	bool slept, intact = true;

	if (argc == 2 && strcmp(argv[1], "suspend") == 0)
		return !suspend();
	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "region") == 0)
		words = (unsigned int *)victim_region(PAGES, NULL);
	else
		words = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED)
		return 2;
	for (unsigned int i = 0; i < PAGES * 1024; i++)
		words[i] = sequence(i);
	slept = strcmp(argv[2], "itself") == 0 ? suspend() : have_another_suspend();
	for (unsigned int page = 0; page < PAGES; page++)
		intact = sequence_fills(words, page) && intact;
	printf("# slept: %s, intact: %s\n", slept ? "yes" : "no", intact ? "yes" : "no");
	return !(slept && intact);
}
