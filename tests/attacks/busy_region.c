// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody holds the machine up by working on a region for ever: a thread that gets next to no CPU discards pages, one after the other. Who
 * reads such a region meanwhile can be killed; hibernation is refused at once, or, where all is to be dropped, soon; the kernel's code can be
 * changed, though all has to be sealed before, that process's memory, too. Nobody loses anything.
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
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "module.h"
#include "victim.h"

#define PAGES	8192	/* at a millisecond for each second: minutes */
#define MOUNTED	"/dev/shm/cpu"
#define GROUP	MOUNTED "/busy_region"
#define READS	"copy_from_user_nofault"

static char *secret_page, *kept_page, *pages;
/* Shared: for who reads its page from outside, and how often it has used that itself. */
static struct {
	char *volatile page;
	volatile long uses;
	volatile int works;	/* on its region, from now on */
	volatile int reads;	/* a thread of it is in a long call */
} *mine;
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
	while (!mine->reads)
		usleep(1000);
	/* What slept has been put out as it came back. */
	secret_page[SECRET_LEN]++;
	mine->works = 1;
	victim_discard(device, pages, PAGES);
	shared->others = 1;
	return unused;
}

/* Runs on, but not in user mode: the memory of who runs is plaintext. */
static void *reader(void *unused)
{
	static char buffer[2 << 20];
	struct iovec often[1023];
	int fd = open("/dev/urandom", O_RDONLY);

	for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++)
		often[i] = (struct iovec){ buffer, sizeof(buffer) };
	while (!shared->command)
		usleep(1000);
	mine->reads = 1;
	/* Takes the kernel long. */
	mine->reads = readv(fd, often, sizeof(often) / sizeof(often[0])) > 0 ? 0 : -1;
	return unused;
}

/* Uses a page until ->wrong, which is 2 when it was not as it should be. ->loot: what came of that page, and of one that was not in use. */
static void victim(void)
{
	pthread_t thread, other;

	secret_page = victim_region(1, &device);
	kept_page = victim_region(1, NULL);
	pages = victim_region(PAGES, NULL);
	victim_make_secret(secret);
	memcpy(kept_page, secret, SECRET_LEN);
	for (size_t i = 0; i < PAGES; i++)
		pages[i * 4096] = 1;
	memcpy(secret_page, secret, SECRET_LEN);
	mine->page = secret_page;
	signal(SIGBUS, caught);
	if (pthread_create(&thread, NULL, discarder, NULL) || pthread_create(&other, NULL, reader, NULL))
		_exit(2);
	shared->ready = 1;
	for (; !shared->wrong; mine->uses++)
		if (use(secret_page))
			shared->wrong = 2;
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

static bool is_busy(void)
{
	return shared->others == 0;
}

static bool make_group(void)
{
	mkdir(MOUNTED, 0755);
	return mount("cgroup", MOUNTED, "cgroup", 0, "cpu") == 0 && mkdir(GROUP, 0755) == 0 && victim_set(GROUP "/cpu.cfs_period_us", "1000000") &&
	       victim_set(GROUP "/cpu.cfs_quota_us", "1000");
}

/* The last may be on their way out of it. */
static void remove_group(void)
{
	for (int i = 0; i < 1000 && rmdir(GROUP) && errno == EBUSY; i++)
		usleep(10000);
	umount(MOUNTED);
}

/* It is to be at work by then. */
static bool starve(pid_t tid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", tid);
	if (!victim_set(GROUP "/tasks", text))
		return false;
	for (int i = 0; i < 1000 && !module_has(tid); i++)
		usleep(20000);
	return module_has(tid);
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
	return pread(fd, &byte, 1, (off_t)(size_t)mine->page) != 1;
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
	shared->wrong = 3;
	for (int i = 0; i < 3000 && !shared->loot[1]; i++)
		usleep(10000);
	ok(shared->loot[1] == '2', "drop: that is gone, too (%c)", shared->loot[1] ?: '-');
}

/* A number of a process's, by the name of its column. */
static long long count(pid_t pid, const char *name)
{
	FILE *f = fopen("/sys/kernel/debug/cryptmem/domains", "r");
	char head[1024] = "", line[1024], *next, *at;
	long long found = -1;

	if (!f || !fgets(head, sizeof(head), f))
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (atoi(line) != pid)
			continue;
		next = line;
		for (char *rest = head, *column; (column = strtok_r(rest, " \n", &rest)) && (at = strsep(&next, " \n"));)
			if (strcmp(column, name) == 0)
				found = atoll(at);
	}
	fclose(f);
	return found;
}

/* Though there are pages in its window. */
static bool stays_sealed(pid_t pid)
{
	long long before = count(pid, "plain_ns"), pages = count(pid, "window_pages");

	usleep(500000);
	tap_note("%lld pages; plain for %lld ns meanwhile; %s thread is in a long call", pages, count(pid, "plain_ns") - before, mine->reads == 1 ? "a" : "no");
	return before >= 0 && count(pid, "plain_ns") == before && pages > 0;
}

static void who_changes_code(pid_t victim)
{
	pid_t watcher;
	int status;
	bool changed;

	watcher = in_child(watch, 0);
	changed = ends(watcher, 60, &status) && WEXITSTATUS(status) == 0;
	ok(changed && is_busy(), "a function is watched, without waiting for the end of that");
	ok(victim_stands_still(&mine->uses) && stays_sealed(victim) && is_busy(), "meanwhile, the memory of who works on his is not used, and sealed");
	feed();
	if (!changed)
		waitpid(watcher, &status, 0);
	for (int i = 0; i < 3000 && is_busy(); i++)
		usleep(20000);
	ok(victim_stands_still(&mine->uses), "nor when that has ended");
	victim_watch(NULL);
	ok(victim_goes_on(&mine->uses) && shared->wrong == 0, "when nobody watches any more, it goes on");
	shared->wrong = 3;
	for (int i = 0; i < 3000 && !shared->loot[1]; i++)
		usleep(10000);
	ok(shared->loot[0] == '0' && shared->loot[1] == '0', "it has lost nothing (%c, %c)", shared->loot[0] ?: '-', shared->loot[1] ?: '-');
}

static void work_for_ever(void)
{
	pid_t victims[2];
	char mode[16];

	victims[0] = fork();
	if (victims[0] == 0)
		victim();
	for (int i = 0; i < 20 && !victim_wait(&shared->ready); i++)
		;
	victims[1] = fork();
	if (victims[1] == 0)
		other();
	victim_wait(&shared->tid);
	shared->command = 1;
	ok(victim_wait(&mine->works) && starve(shared->tid) && is_busy(), "control: a thread that works on a region gets next to no CPU");
	who_reads(victims[0]);
	who_hibernates();
	victim_get("/sys/module/cryptmem/parameters/hibernation", mode, sizeof(mode));
	if (strcmp(mode, "drop") == 0) {
		who_drops(victims[1]);
	} else {
#ifdef __x86_64__
		who_changes_code(victims[0]);
#else
		(void)who_changes_code;
#endif
		ok(victim_goes_on(&shared->rounds) && waitpid(victims[1], NULL, WNOHANG) == 0, "another one, who was put out, has lost nothing");
	}
	feed();
	for (int i = 0; i < 2; i++) {
		kill(victims[i], SIGKILL);
		waitpid(victims[i], NULL, 0);
	}
}

int main(void)
{
	victim_setup();
	mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mine == MAP_FAILED)
		return 2;
	if (make_group())
		work_for_ever();
	else
		ok(true, "who works on a region for ever # SKIP this kernel has no cgroup that limits the CPU: %s", strerror(errno));
	remove_group();
	return tap_done();
}
