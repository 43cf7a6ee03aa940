// SPDX-License-Identifier: GPL-2.0-only
/*
 * others [-p] [-n TIMES]: what it costs two unprotected processes to take
 * turns on a CPU, and what fork() costs one; with -p while a protected process
 * sleeps.
 */
#include <linux/futex.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bench.h"

static unsigned int times = 20000;
static bool beside_protected;

static void report(const char *how, uint64_t ns, double each)
{
	record_begin("others");
	field_text("how", how);
	field("protected", beside_protected);
	field_real("ns", (double)ns / each);
	record_end();
}

/* The child's side of a pair of pipes: gives back what comes. */
static void echo(int from, int to, unsigned int n)
{
	char byte;

	while (n--)
		if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
			exit(1);
	exit(0);
}

static pid_t fork_one(void)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	return child;
}

static void over_pipes(void)
{
	unsigned int warm = times / 10, i;
	int to[2], back[2];
	uint64_t start = 0;
	char byte = 0;
	pid_t child;

	if (pipe(to) || pipe(back))
		die("pipe");
	child = fork_one();
	if (!child)
		echo(to[0], back[1], warm + times);
	for (i = 0; i < warm + times; i++) {
		if (i == warm)
			start = now();
		if (write(to[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			die("pipe");
	}
	report("a byte through a pipe", now() - start, 2.0 * times);
	waitpid(child, NULL, 0);
}

static void futex(int *word, int op, int value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

/* Wait until *word is @mine, then make it the other's and wake that. */
static void turn(int *word, int mine)
{
	int seen;

	while ((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != mine)
		futex(word, FUTEX_WAIT, seen);
	__atomic_store_n(word, !mine, __ATOMIC_RELEASE);
	futex(word, FUTEX_WAKE, 1);
}

static void over_futex(void)
{
	int *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int warm = times / 10, i;
	uint64_t start = 0;
	pid_t child;

	if (word == MAP_FAILED)
		die("mmap");
	child = fork_one();
	if (!child) {
		for (i = 0; i < warm + times; i++)
			turn(word, 1);
		exit(0);
	}
	for (i = 0; i < warm + times; i++) {
		if (i == warm)
			start = now();
		turn(word, 0);
	}
	report("futex", now() - start, 2.0 * times);
	waitpid(child, NULL, 0);
}

static void over_yield(void)
{
	unsigned int i;
	uint64_t start;
	pid_t child = fork_one();

	if (!child)
		for (;;)
			sched_yield();
	for (i = 0; i < times / 10; i++)
		sched_yield();
	start = now();
	for (i = 0; i < times; i++)
		sched_yield();
	report("sched_yield()", now() - start, 2.0 * times);
	end(child);
}

static void forks(void)
{
	unsigned int n = times / 40, i;
	uint64_t start = 0;
	pid_t child;

	for (i = 0; i < n + n / 10; i++) {
		if (i == n / 10)
			start = now();
		child = fork_one();
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	report("fork(), exit, wait", now() - start, n);
}

static pid_t protected_sleeper(void)
{
	int ready[2];
	char byte = 0;
	pid_t child;

	if (pipe(ready))
		die("pipe");
	child = fork_one();
	if (!child) {
		volatile unsigned char *p = region(device(), 16 * PAGE);
		unsigned int i;

		for (i = 0; i < 16; i++)
			p[i * PAGE] = 1;
		if (write(ready[1], &byte, 1) != 1)
			exit(1);
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		die("no protected process");
	return child;
}

int main(int argc, char **argv)
{
	pid_t sleeper = 0;
	int option;

	while ((option = getopt(argc, argv, "pn:")) != -1) {
		if (option == 'p')
			beside_protected = true;
		else if (option == 'n')
			times = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	if (beside_protected)
		sleeper = protected_sleeper();
	over_pipes();
	over_futex();
	over_yield();
	forks();
	if (sleeper)
		end(sleeper);
	return 0;
}
