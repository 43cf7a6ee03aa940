// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody holds the machine up by working on a region for ever: a thread that gets next to no CPU discards pages, one after the other. Who
 * reads such a region meanwhile can be killed; hibernation is refused at once, or, where all is to be dropped, soon; the kernel's code can be changed, though all has to be put
 * out before: after some time what is in the way is lost, and its owner told. Others lose nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

#define PAGES	8192	/* at a millisecond for each second: minutes */
#define MOUNTED	"/dev/shm/cpu"
#define GROUP	MOUNTED "/busy_region"
#define READS	"copy_from_user_nofault"

static char *secret_page, *kept_page, *pages;
static char *volatile *to_read;	/* shared: for who reads it from outside */
static int device;
static sigjmp_buf after;
static char secret[SECRET_LEN];

static void caught(int signal)
{
	(void)signal;
	siglongjmp(after, 1);
}

/* 0: the secret is there; 1: something else; 2: touching it is SIGBUS. */
static int look(const char *page)
{
	if (sigsetjmp(after, 1))
		return 2;
	return memcmp(page, secret, SECRET_LEN) != 0;
}

/* The same, and has it differ from what is in the store. */
static int use(char *page)
{
	if (sigsetjmp(after, 1))
		return 2;
	page[SECRET_LEN]++;
	return look(page);
}

/* ->tid: whom to starve; ->command: begin; ->others: that has ended. */
static void *discarder(void *unused)
{
	shared->tid = (int)syscall(SYS_gettid);
	while (!shared->command)
		usleep(1000);
	/* What slept has been put out as it came back. */
	secret_page[SECRET_LEN]++;
	victim_discard(device, pages, PAGES);
	shared->others = 1;
	return unused;
}

/* ->wrong: 2 when it has been told; ->loot: what came of the page that was in use, and of one that was not. */
static void victim(void)
{
	pthread_t thread;

	secret_page = victim_region(1, &device);
	kept_page = victim_region(1, NULL);
	pages = victim_region(PAGES, NULL);
	victim_make_secret(secret);
	memcpy(kept_page, secret, SECRET_LEN);
	for (size_t i = 0; i < PAGES; i++)
		pages[i * 4096] = 1;
	memcpy(secret_page, secret, SECRET_LEN);
	*to_read = secret_page;
	signal(SIGBUS, caught);
	if (pthread_create(&thread, NULL, discarder, NULL))
		_exit(2);
	shared->ready = 1;
	while (!shared->wrong)
		shared->wrong = use(secret_page);
	pthread_join(thread, NULL);
	shared->loot[0] = (char)('0' + look(secret_page));
	shared->loot[1] = (char)('0' + look(kept_page));
	for (;;)
		pause();
}

/* Another one, who has nothing to do with that. ->rounds */
static void other(void)
{
	char *page = victim_region(1, NULL);

	victim_make_secret(page);
	memcpy(secret, page, SECRET_LEN);
	for (;; shared->rounds++) {
		if (look(page))
			_exit(1);
		usleep(1000);
	}
}

static bool starve(void)
{
	char tid[16];

	mkdir(MOUNTED, 0755);
	if (mount("cgroup", MOUNTED, "cgroup", 0, "cpu") || mkdir(GROUP, 0755) || !victim_set(GROUP "/cpu.cfs_period_us", "1000000") ||
	    !victim_set(GROUP "/cpu.cfs_quota_us", "1000"))
		return false;
	snprintf(tid, sizeof(tid), "%d", shared->tid);
	return victim_set(GROUP "/tasks", tid);
}

static void feed(void)
{
	victim_set(GROUP "/cpu.cfs_quota_us", "-1");
}

/* Whether a process ends within so many seconds. */
static bool ends(pid_t pid, int seconds, int *status)
{
	for (int i = 0; i < 100 * seconds; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static pid_t in_child(int (*what)(pid_t), pid_t pid)
{
	pid_t child = fork();

	if (child == 0)
		_exit(what(pid));
	return child;
}

static int read_region(pid_t pid)
{
	char path[32], byte;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	return pread(fd, &byte, 1, (off_t)(size_t)*to_read) != 1;
}

static int hibernate(pid_t unused)
{
	int fd = open("/sys/power/state", O_WRONLY);

	(void)unused;
	if (fd < 0)
		return ENOENT;
	return write(fd, "disk", 4) == 4 ? 0 : errno;
}

static int watch(pid_t unused)
{
	(void)unused;
	return !victim_watch(READS);
}

static bool is_busy(void)
{
	return shared->others == 0;
}

static void who_reads(pid_t victim)
{
	pid_t reader = in_child(read_region, victim);
	int status;

	ok(!ends(reader, 2, &status) && is_busy(), "control: who reads the region meanwhile waits");
	kill(reader, SIGKILL);
	ok(ends(reader, 10, &status) && is_busy(), "he can be killed");
}

static void who_hibernates(void)
{
	pid_t asks;
	int status;

	if (access("/sys/power/disk", F_OK)) {
		ok(true, "hibernation is refused # SKIP this kernel cannot hibernate");
		return;
	}
	asks = in_child(hibernate, 0);
	if (!ok(ends(asks, 20, &status) && WEXITSTATUS(status) == EBUSY && is_busy(), "hibernation is refused, without waiting for the end of that")) {
		feed();
		waitpid(asks, &status, 0);
	}
}

/* With hibernation=drop: all others have been dropped. */
static void who_drops(pid_t another)
{
	int status;

	ok(ends(another, 10, &status) && WTERMSIG(status) == SIGBUS, "drop: what another one had is gone");
	feed();
	for (int i = 0; i < 3000 && is_busy(); i++)
		usleep(20000);
	ok(hibernate(0) != EBUSY, "drop: when that has ended, it goes on");
	shared->wrong = 1;
	for (int i = 0; i < 3000 && !shared->loot[1]; i++)
		usleep(10000);
	ok(shared->loot[1] == '2', "drop: that is gone, too (%c)", shared->loot[1] ?: '-');
}

static void who_changes_code(void)
{
	pid_t watcher;
	int status;
	bool changed;

	watcher = in_child(watch, 0);
	changed = ends(watcher, 60, &status) && WEXITSTATUS(status) == 0;
	ok(changed && is_busy(), "a function is watched, without waiting for the end of that");
	feed();
	if (!changed)
		waitpid(watcher, &status, 0);
	for (int i = 0; i < 3000 && (is_busy() || !shared->wrong); i++)
		usleep(20000);
	ok(shared->wrong == 2, "whose page could not be put out is told");
	victim_watch(NULL);
	for (int i = 0; i < 3000 && !shared->loot[1]; i++)
		usleep(10000);
	ok(shared->loot[0] == '2', "that is lost for good, not read as something else (%c)", shared->loot[0] ?: '-');
	ok(shared->loot[1] == '0', "what was sealed is there (%c)", shared->loot[1] ?: '-');
}

int main(void)
{
	pid_t victims[2];
	char mode[16];

	victim_setup();
	to_read = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (to_read == MAP_FAILED)
		return 2;
	victims[0] = fork();
	if (victims[0] == 0)
		victim();
	for (int i = 0; i < 20 && !victim_wait(&shared->ready); i++)
		;
	victim_wait(&shared->tid);
	victims[1] = fork();
	if (victims[1] == 0)
		other();
	if (!starve()) {
		ok(true, "who works on a region for ever # SKIP this kernel has no cgroup that limits the CPU: %s", strerror(errno));
		return tap_done();
	}
	shared->command = 1;
	sleep(2);
	who_reads(victims[0]);
	who_hibernates();
	victim_get("/sys/module/cryptmem/parameters/hibernation", mode, sizeof(mode));
	if (strcmp(mode, "drop") == 0) {
		who_drops(victims[1]);
		kill(victims[0], SIGKILL);
		return tap_done();
	}
#ifdef __x86_64__
	who_changes_code();
#endif
	ok(victim_goes_on(&shared->rounds) && waitpid(victims[1], NULL, WNOHANG) == 0, "another one, who was put out, has lost nothing");
	feed();
	for (int i = 0; i < 2; i++) {
		kill(victims[i], SIGKILL);
		waitpid(victims[i], NULL, 0);
	}
	for (int i = 0; i < 1000 && rmdir(GROUP); i++)
		usleep(10000);
	umount(MOUNTED);
	return tap_done();
}
