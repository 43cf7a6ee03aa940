// SPDX-License-Identifier: GPL-2.0-only
#include "forks.h"

#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "way.h"

/* One of those below has ended. */
static void child_ended(int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		worker_judge(status, tally->ending ? BY_SIGKILL : NOT_AT_ALL);
}

/* Parent and child look at what each has then, and the child has children of its own, as long as it may. */
static void multiply(volatile unsigned char *region, unsigned int generation)
{
	int status;

	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			_exit(0);
		/* The second byte says for how many generations up to this one the page was theirs. */
		for (unsigned int i = 0; i < 8; i++)
			if (region[i * 4096] != 100 + i || region[i * 4096 + 1] != (unsigned char)((generation + 7 - (i + 7) % 8) / 8))
				__atomic_add_fetch(&tally->wrong, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&tally->rounds, 8, __ATOMIC_RELAXED);
		if (pid == 0) {
			generation++;
			region[generation % 8 * 4096 + 1]++;
			__atomic_add_fetch(&tally->started, 1, __ATOMIC_RELAXED);
		} else if (way_any(3) == 0) {
			_exit(0);
		}
		while (waitpid(-1, &status, WNOHANG) > 0)
			child_ended(status);
	}
}

/* Has the first of them, and takes the end of all whose parents have gone. */
static void herd(void)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0) {
		char *region;

		group_enter();
		region = victim_region(8, NULL);
		for (int i = 0; i < 8; i++)
			region[i * 4096] = (char)(100 + i);
		multiply((volatile unsigned char *)region, 0);
	}
	while (wait(&status) > 0)
		child_ended(status);
	_exit(0);
}

long stress_forks(void)
{
	int status;
	pid_t ended;

	if (!group_make("forks", "max") || !victim_set(group_file("pids.max"), "60"))
		return -1;
	while (way_going_on(tally->started)) {
		pid_t pid = fork();

		if (pid == 0)
			herd();
		usleep(400000);
		tally->ending = true;
		/* On a machine that is very busy the first of them may come into the group after this. */
		do {
			if (!victim_set(group_file("cgroup.kill"), "1"))
				tally_fail("the group cannot be killed");
			usleep(10000);
			ended = waitpid(pid, &status, WNOHANG);
		} while (!ended);
		if (ended != pid || status)
			tally_fail("who waits for the children has not waited for all");
		tally->ending = false;
	}
	return tally->started;
}
