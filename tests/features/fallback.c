// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the module is absent: what locked and secret memory (salloc_fallback()) keep from whom. A keeper has rows of the sequence in one of them,
 * or in ordinary memory; so does its child. Who looks for them is root: in their memory, on the disk that they are swapped out to, and in
 * their core files. For a guest with a disk, without the module.
 */
#include <fcntl.h>
#include <salloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../promises/swap_disk.h"
#include "../unit/tap.h"
#include "keeper.h"
#include "rows.h"

#define KINDS	2U
#define ROWS	(KINDS * KEEPER_ROWS)
#define BYTES	(ROWS * SEQUENCE_ROW * sizeof(unsigned int))
#define CORES	"/tmp/core."

/* Shared by all. */
static struct {
	pid_t parent, child;
	volatile unsigned int *words;	/* in both */
	atomic_int begin, ready;
} *kept;

struct kind {
	const char *name;
	unsigned int flag, protection;	/* 0: ordinary memory */
	bool readable;			/* by root */
	bool leaks;			/* to the disk */
};

static const struct kind kinds[] = {
	{ "ordinary", 0, 0, true, true },
	{ "locked", SALLOC_FALLBACK_LOCKED, SALLOC_PROTECTION_LOCKED, true, false },
	{ "secret", SALLOC_FALLBACK_SECRET, SALLOC_PROTECTION_SECRET, false, false },
};

static volatile unsigned int *get(const struct kind *kind)
{
	struct salloc_status status = { .size = sizeof(status) };
	void *block;

	if (!kind->flag)
		return aligned_alloc(4096, BYTES);
	keeper_expect(!salloc_fallback(kind->flag), "salloc_fallback");
	block = salloc(BYTES);
	keeper_expect(block && !salloc_status(&status) && status.protection == kind->protection, "salloc");
	return block;
}

/* In whole, of two processes. */
static void fill_and_wait(bool copied)
{
	for (unsigned int i = 0; i < KINDS; i++) {
		volatile unsigned int *words = kept->words + i * KEEPER_WORDS;

		keeper_expect(!copied || keeper_intact(words, i), "the child's copy");
		/* A page of its own. */
		words[0] = 0;
		keeper_fill(words, i);
	}
	kept->ready++;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void keep(const struct kind *kind)
{
	struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t child;

	/* First into the cgroup, which memory is charged to; and all of it into core files. */
	while (!kept->begin)
		usleep(1000);
	keeper_expect(!setrlimit(RLIMIT_CORE, &core) && victim_set("/proc/self/coredump_filter", "0x7f"), "core files");
	/* When the child is gone, so is its number. */
	signal(SIGCHLD, SIG_IGN);
	kept->words = get(kind);
	for (unsigned int i = 0; i < KINDS; i++)
		keeper_fill(kept->words + i * KEEPER_WORDS, i);
	kept->parent = getpid();
	child = fork();
	if (child)
		kept->child = child;
	fill_and_wait(!child);
}

/* The same memory, by another door. */
static bool reads_word(pid_t pid)
{
	unsigned int word = 0;
	struct iovec here = { &word, sizeof(word) }, there = { (void *)(kept->words + 5), sizeof(word) };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof(word) && word == sequence(5);
}

static void look_in_memory(const struct kind *kind)
{
	unsigned int parent = rows_in_process(kept->parent), child = rows_in_process(kept->child);
	bool reads = reads_word(kept->parent) || reads_word(kept->child);
	unsigned int wanted = kind->readable ? ROWS : 0;

	ok(parent == wanted && child == wanted && reads == kind->readable, "%s%s memory: root reads %s (%u of %u rows, of a child %u)",
	   kind->flag ? "" : "control: ", kind->name, kind->readable ? "it" : "nothing of it", parent, ROWS, child);
}

static void look_on_disk(const struct kind *kind)
{
	unsigned int rows = 0;

	for (int i = 0; i < (kind->leaks ? 50 : 10) && rows < (kind->leaks ? ROWS : 1); i++) {
		swap_disk_reclaim();
		usleep(100000);
		rows = rows_in_file(SWAP_DISK);
	}
	ok(kind->leaks ? rows == ROWS : !rows, "%s%s memory is %sswapped out (%u rows)", kind->flag ? "" : "control: ", kind->name,
	   kind->leaks ? "" : "not ", rows);
}

static unsigned int rows_in_core(pid_t pid)
{
	char path[64];
	unsigned int rows;
	int how;

	kill(pid, SIGABRT);
	if (pid == kept->parent && (waitpid(pid, &how, 0) != pid || !WCOREDUMP(how)))
		return ~0U;
	snprintf(path, sizeof(path), CORES "%d", pid);
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
		usleep(100000);
	if (access(path, R_OK))
		return ~0U;
	rows = rows_in_file(path);
	unlink(path);
	return rows;
}

static void look_in_core(const struct kind *kind)
{
	unsigned int parent, child = rows_in_core(kept->child), wanted = kind->leaks ? ROWS : 0;

	parent = rows_in_core(kept->parent);
	ok(parent == wanted && child == wanted, "%s%s memory is %sin core files (%u rows, of a child %u)", kind->flag ? "" : "control: ", kind->name,
	   kind->leaks ? "" : "not ", parent, child);
}

/* What one has left on the disk is not another's. */
static void wipe_disk(void)
{
	if (system("loop=$(losetup -n -O NAME -j " SWAP_DISK ") && swapoff $loop && dd if=/dev/zero of=" SWAP_DISK " bs=1M oflag=direct 2>/dev/null; "
		   "mkswap $loop >/dev/null 2>&1 && swapon $loop"))
		exit(2);
}

static void attack(const struct kind *kind)
{
	pid_t pid;

	memset(kept, 0, sizeof(*kept));
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		keep(kind);
	if (!swap_disk_join(pid))
		exit(2);
	kept->begin = 1;
	for (int i = 0; i < 300 && (kept->ready < 2 || !kept->child); i++)
		usleep(100000);
	if (!ok(kept->ready == 2, "%s memory: it is there, and so is a child's", kind->name))
		return;
	look_in_memory(kind);
	look_on_disk(kind);
	look_in_core(kind);
}

int main(void)
{
	kept = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (kept == MAP_FAILED || !swap_disk_prepare(0) || !victim_set("/proc/sys/kernel/core_pattern", CORES "%p"))
		return 2;
	/* This one is to stay out of it. */
	victim_set(SWAP_CGROUP "/cgroup.procs", "0");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		attack(&kinds[i]);
		wipe_disk();
	}
	return tap_done();
}
