// SPDX-License-Identifier: GPL-2.0-only
#include "bystander.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "victim.h"

#define PAGES	8
#define NOBODY	65534

struct record {
	volatile long rounds, wrong, longest_ms;
};

static struct record *record;	/* the owner's, the control's */
static pid_t pids[2];

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void go_on(struct record *r, volatile long *words)
{
	long last = now_ms(), now;

	for (long n = 0;; n++) {
		for (long i = 0; i < PAGES * 512; i += 61) {
			r->wrong += n && words[i] != (n - 1) * i;
			words[i] = n * i;
		}
		r->rounds++;
		now = now_ms();
		if (now - last > r->longest_ms)
			r->longest_ms = now - last;
		last = now;
		usleep(1000);
	}
}

/* Its end is still to be taken. */
static bool is_dead(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == pid;
}

void bystander_start(void)
{
	record = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (record == MAP_FAILED)
		exit(2);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			go_on(&record[i], i ? aligned_alloc(4096, PAGES * 4096) : (void *)victim_region(PAGES, NULL));
		}
	}
	while ((!record[0].rounds || !record[1].rounds) && !is_dead(pids[0]))
		usleep(1000);
}

bool bystander_goes_on(void)
{
	long before = record->rounds;

	/* Minutes: nobody is that slow. */
	for (int i = 0; i < 300000 && record->rounds < before + 2 && !is_dead(pids[0]); i++)
		usleep(1000);
	return record->rounds >= before + 2 && !record->wrong;
}

bool bystander_end(char *text, int size)
{
	long before = record->rounds;
	bool good;

	for (int i = 0; i < 5000 && record->rounds < before + 2; i++)
		usleep(1000);
	good = record->rounds >= before + 2 && !record->wrong && record[0].longest_ms < 2000 + 4 * record[1].longest_ms;
	snprintf(text, (size_t)size, "%ld rounds, %ld wrong, held up for %ld ms at most; in ordinary memory: %ld rounds, %ld ms",
		 record[0].rounds, record[0].wrong, record[0].longest_ms, record[1].rounds, record[1].longest_ms);
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return good;
}

void become_nobody(void)
{
	struct rlimit none = {};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(2);
	/* As if it had logged in: it may be traced by its like. */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool ends_well(int pid, int seconds)
{
	int status = -1;

	for (int i = 0; i < seconds * 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}

long module_total(const char *name)
{
	return victim_field("/sys/kernel/debug/cryptmem/totals", name);
}
