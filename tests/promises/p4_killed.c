// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4: who is killed ends, whatever it is in, and what others wait for is seen to. Some calls of the kernel fault all of a buffer in, copy to it
 * without faults, and go round until that has worked; of a buffer that is larger than the window, the first pages are out again by then. Btrfs has
 * one that looks for no signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define MOUNTED	"/dev/shm/p4.mounted"
#define IMAGE	"/dev/shm/p4.image"
#define PAGE	4096UL
#define SMALL	(4 * PAGE)
/* Beyond what a window may grow to. */
#define LARGE	(1024 * PAGE)
/* Of LARGE, many rounds: it is faulted in no more than once by a call that ends. */
#define MANY	(8 * LARGE / PAGE)

enum result { FOUND, FAILED, KILLED, STAYS };

static bool make_disk(void)
{
	return system("modprobe -q -a loop btrfs && mkdir -p " MOUNTED " && truncate -s 64M " IMAGE " && mkfs.btrfs -q --mixed " IMAGE
		      " >/dev/null 2>&1 && mount -o loop " IMAGE " " MOUNTED " && touch " MOUNTED "/1 " MOUNTED "/2 && sync") == 0;
}

static void remove_disk(void)
{
	if (system("umount " MOUNTED " 2>/dev/null; rm -rf " IMAGE " " MOUNTED))
		tap_note("the disk stays");
}

/* Asks for all items of the first tree. */
static void search(void *memory, size_t size)
{
	struct btrfs_ioctl_search_args_v2 *args = memory;
	int fd = open(MOUNTED, O_RDONLY);

	memset(args, 0, sizeof(*args));
	args->key.tree_id = BTRFS_FS_TREE_OBJECTID;
	args->key.max_objectid = args->key.max_offset = args->key.max_transid = ~0ULL;
	args->key.max_type = 255;
	args->key.nr_items = ~0U;
	args->buf_size = size - sizeof(*args);
	_exit(ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, args) || !args->key.nr_items ? FAILED : FOUND);
}

static unsigned long faults_of(pid_t pid)
{
	char path[64], text[1024];
	unsigned long faults = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fgets(text, sizeof(text), file) && strrchr(text, ')'))
		sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %lu", &faults);
	fclose(file);
	return faults;
}

/* True when it ends by itself within some minutes. */
static bool ends(pid_t pid, int *status)
{
	for (int i = 0; i < 2000; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(100000);
	}
	return false;
}

/* What becomes of it in a child, which is killed when it has gone round. */
static enum result try(bool protected, size_t size)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		search(protected ? victim_region(size / PAGE, NULL) :
				   mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		       size);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (faults_of(pid) < MANY) {
			usleep(10000);
			continue;
		}
		kill(pid, SIGKILL);
		return ends(pid, &status) ? KILLED : STAYS;
	}
	return WIFEXITED(status) ? (enum result)WEXITSTATUS(status) : FAILED;
}

#define TRIES	80
/* To be copied on the way. */
#define FILES	100000

/* For the kernel to read: locks that this process has. The words are in memory that it shares. */
struct held {
	struct robust_list_head head;
	struct robust_list node;
};

static volatile uint32_t *lock;

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* Somebody else has the caller's files, too, as long as that lives: an exec is to copy them. */
static void share_files(void)
{
	pid_t owner = getpid();

	if (syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, 0L))
		return;
	while (getppid() == owner)
		usleep(1000);
	_exit(0);
}

/* Into another program, with a lock held, what the kernel knows of that in a region. */
static void leave_with_lock(char *program)
{
	char *region, *arguments[] = { program, NULL };
	struct held *held;

	share_files();
	region = victim_region(64, NULL);
	held = (void *)region;
	held->head.list.next = &held->node;
	held->head.futex_offset = (long)((char *)lock - (char *)&held->node);
	held->node.next = &held->head.list;
	*lock = (uint32_t)getpid();
	/* Put it out of the window. */
	for (int i = 1; i < 64; i++)
		region[i * PAGE] = 1;
	if (syscall(SYS_set_robust_list, held, sizeof(held->head)))
		_exit(3);
	shared->rounds = now();
	shared->ready = 1;
	execv(program, arguments);
	_exit(3);
}

/* Whether the next one may have the lock, and knows that its owner has gone, with @ns to live, or as long as it likes. *@took: from then on, ns. */
static bool lock_is_left(long ns, int *status, long *took)
{
	struct timespec wait = { .tv_nsec = ns };
	static char program[] = "/bin/true";
	pid_t pid;

	*lock = 0;
	shared->ready = 0;
	pid = fork();
	if (pid == 0)
		leave_with_lock(program);
	if (ns && victim_wait(&shared->ready)) {
		nanosleep(&wait, NULL);
		kill(pid, SIGKILL);
	}
	waitpid(pid, status, 0);
	*took = now() - shared->rounds;
	return *lock & FUTEX_OWNER_DIED;
}

/* Killed in the middle of an exec, even when that has begun to give up what the old program had. */
static void kill_in_exec(void)
{
	struct rlimit files = { FILES, FILES }, more = { FILES + 16, FILES + 16 };
	int status, left = 0, killed = 0, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	long takes, took;

	lock = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (setrlimit(RLIMIT_NOFILE, &files))
		exit(2);
	while (fcntl(null, F_DUPFD_CLOEXEC, 0) >= 0)
		;
	if (setrlimit(RLIMIT_NOFILE, &more))
		exit(2);
	/* The first one reads the program from the disk. */
	lock_is_left(0, &status, &takes);
	ok(lock_is_left(0, &status, &takes) && WIFEXITED(status) && WEXITSTATUS(status) == 0, "control: who goes on to another program leaves its robust locks");
	for (int n = 1; n <= TRIES; n++) {
		left += lock_is_left(n * takes / TRIES, &status, &took);
		killed += WIFSIGNALED(status);
	}
	ok(killed > 0, "control: killed on the way there, or soon after, %d times of %d", killed, TRIES);
	ok(left == TRIES, "so does who is killed meanwhile: %d of %d", left, TRIES);
	close_range((unsigned int)null, ~0U, 0);
}

int main(void)
{
	enum result result;

	victim_setup();
	kill_in_exec();
	if (!make_disk()) {
		ok(true, "a call that looks for no signal # SKIP there is no btrfs here, or no mkfs.btrfs");
		remove_disk();
		return tap_done();
	}
	ok(try(false, LARGE) == FOUND, "control: a large buffer of ordinary memory is filled");
	ok(try(true, SMALL) == FOUND, "control: so is a small one in a region");
	result = try(true, LARGE);
	if (result == FOUND || result == FAILED)
		tap_note("this kernel does not go round for ever: %s", result == FOUND ? "it is filled" : "it fails");
	ok(result != STAYS, "who is killed while the kernel goes round over a large one ends");
	/* Whoever is still in it holds the disk. */
	remove_disk();
	return tap_done();
}
