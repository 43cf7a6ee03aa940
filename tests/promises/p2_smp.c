// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2 and P4 while the owner computes on one CPU and outsiders read on another: at no moment do they get plaintext, and nothing is lost.
 * (With one CPU they take turns.) The owner writes nothing but blocks that begin with the same eight bytes, made at run time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define PAGES	4
#define SIZE	(PAGES * 4096)
#define READS	500

struct block {
	unsigned long mark, round;
};

static struct block plain[SIZE / sizeof(struct block)];	/* the owner's, ordinary */
static struct block *region;
static char got[SIZE];
static volatile unsigned long seed = 0x243f6a8885a308d3;

static unsigned long mark(void)
{
	return seed * 0x9e3779b97f4a7c15 ^ 0xb7e151628aed2a6a;
}

static void write_blocks(struct block *blocks, unsigned long round)
{
	for (size_t i = 0; i < SIZE / sizeof(*blocks); i++)
		blocks[i] = (struct block){ mark(), round };
}

static void owner(void)
{
	unsigned long round = 0;
	int device;

	victim_run_on((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
	region = (struct block *)victim_region(PAGES, &device);
	write_blocks(region, round);
	write_blocks(plain, round);
	memcpy((void *)(shared->loot), &region, sizeof(region));
	shared->ready = 1;
	for (;;) {
		for (size_t i = 0; i < SIZE / sizeof(*region); i++)
			if (region[i].mark != mark() || region[i].round != round)
				shared->wrong++;
		/* Now and then most of it is faulted in again. */
		if (++round % 16 == 0)
			victim_discard(device, (char *)region, PAGES);
		write_blocks(region, round);
		shared->rounds = (long)round;
	}
}

static bool has_mark(void)
{
	unsigned long m = mark();

	return memmem(got, SIZE, &m, sizeof(m)) != NULL;
}

static ssize_t read_mem(pid_t pid, const void *at)
{
	char path[64];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	size = pread(fd, got, SIZE, (off_t)at);
	close(fd);
	return size;
}

static ssize_t read_vm(pid_t pid, const void *at)
{
	struct iovec local = { got, SIZE }, remote = { (void *)at, SIZE };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static void look(pid_t pid, const char *how, ssize_t (*reads)(pid_t pid, const void *at), bool answered)
{
	int marks = 0, answers = 0;
	long rounds = shared->rounds;

	memset(got, 0, SIZE);
	ok(reads(pid, plain) == SIZE && has_mark(), "control: %s reads ordinary memory", how);
	for (int i = 0; i < READS; i++) {
		memset(got, 0, SIZE);
		answers += reads(pid, region) == SIZE;
		marks += has_mark();
	}
	ok(marks == 0, "%d reads by %s: no plaintext", READS, how);
	ok(answers == (answered ? READS : 0), "%s is answered (%d)", answered ? "each" : "none", answers);
	for (int i = 0; i < 10000 && shared->rounds < rounds + 2; i++)
		usleep(1000);
	ok(shared->rounds >= rounds + 2 && !shared->wrong, "its owner goes on, with what it has written");
	tap_note("%ld rounds of the owner", shared->rounds - rounds);
}

int main(void)
{
	pid_t pid;

	victim_setup();
	pid = fork();
	if (pid == 0)
		owner();
	victim_run_on(0);
	victim_wait(&shared->ready);
	memcpy(&region, (void *)(shared->loot), sizeof(region));
	look(pid, "/proc/PID/mem", read_mem, true);
	look(pid, "process_vm_readv()", read_vm, false);
	ok(waitpid(pid, NULL, WNOHANG) == 0, "the owner is alive");
	victim_end(pid);
	return tap_done();
}
