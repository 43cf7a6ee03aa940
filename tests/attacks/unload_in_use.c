// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is to be unloaded while it is in use: a thread that waits in it for a debugger to go is reason enough not to. P3, P4: where root
 * has it unloaded nevertheless (rmmod --force), who uses it is protected as before, and loses nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "module.h"
#include "victim.h"

#define FREEZER	"/dev/shm/freezer"
#define FROZEN	FREEZER "/frozen"

enum { WAIT, TOUCH, GIVE_BACK };	/* shared->command */

static void wait_for(int command)
{
	while (shared->command != command)
		usleep(200);
}

static void *touch_when_told(void *page)
{
	shared->tid = (int)syscall(SYS_gettid);
	wait_for(TOUCH);
	*(volatile char *)page = 1;
	return NULL;
}

/* One of its threads touches its region, another one gives that back. */
static _Noreturn void be_parked(void)
{
	pthread_t thread;
	char *page;
	int fd;

	page = victim_region(1, &fd);
	if (pthread_create(&thread, NULL, touch_when_told, page))
		_exit(2);
	wait_for(GIVE_BACK);
	munmap(page, 4096);
	close(fd);
	shared->ready = 1;
	for (;;)
		pause();
}

/* It waits there, but for moments in which it looks whether that has an end, and in which it may be frozen as well. */
static bool freeze_in_module(int tid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", tid);
	if (!victim_set(FROZEN "/tasks", text))
		return false;
	for (int i = 0; i < 100; i++) {
		victim_set(FROZEN "/freezer.state", "FROZEN");
		usleep(50000);
		if (module_has(tid))
			return true;
		victim_set(FROZEN "/freezer.state", "THAWED");
		usleep(50000);
	}
	return false;
}

/* A thread that waits for a debugger to go, in a fault, is in the module: even when its region is gone meanwhile. */
static void unload_under_parked(void)
{
	pid_t pid;
	bool frozen, given_back;
	int err, status = 0;

	mkdir(FREEZER, 0755);
	if (mount("cgroup", FREEZER, "cgroup", 0, "freezer") || mkdir(FROZEN, 0755)) {
		ok(true, "a thread that is parked # SKIP this kernel has no cgroup that freezes single threads: %s", strerror(errno));
		return;
	}
	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid == 0)
		be_parked();
	if (!victim_wait(&shared->tid) || ptrace(PTRACE_SEIZE, pid, 0, 0))
		exit(2);
	shared->command = TOUCH;
	usleep(300000);
	frozen = freeze_in_module(shared->tid);
	shared->command = GIVE_BACK;
	given_back = victim_wait(&shared->ready);
	usleep(100000);
	err = module_unload(0);
	ok(frozen && given_back && err == EWOULDBLOCK, "a thread is parked, and frozen; its region is given back: the module is in use: %s", strerror(err));
	victim_set(FROZEN "/freezer.state", "THAWED");
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "it goes on, and finds its region gone");
	for (int i = 0; i < 1000 && rmdir(FROZEN); i++)
		usleep(10000);
	umount(FREEZER);
}

static volatile int steer;

/* Uses its region, and gives it away when it is led astray. */
static _Noreturn void be_used(void)
{
	char secret[SECRET_LEN], *page = victim_region(1, NULL);

	victim_make_secret(page);
	victim_make_secret(secret);
	for (shared->ready = 1;; shared->rounds++) {
		if (steer)
			memcpy((void *)shared->loot, page, SECRET_LEN);
		shared->wrong += memcmp(page, secret, SECRET_LEN) != 0;
		usleep(1000);
	}
}

/* 0: this kernel can force nothing to be unloaded. */
static pid_t start_unloading(void)
{
	pid_t pid = fork();
	char state[16] = "";
	siginfo_t ended;

	if (pid == 0)
		_exit(module_unload(O_TRUNC));
	for (int i = 0; i < 5000 && strcmp(state, "going"); i++) {
		usleep(1000);
		ended.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == pid && ended.si_status == EWOULDBLOCK) {
			waitpid(pid, NULL, 0);
			return 0;
		}
		victim_get("/sys/module/cryptmem/initstate", state, sizeof(state));
	}
	tap_note("its state: %s", state);
	return pid;
}

/* What is done to it is noticed then, too: by ptrace, and by a write to its memory. */
static void force_among_users(void)
{
	struct iovec local = { (int[]){ 1 }, sizeof(int) }, remote = { (void *)&steer, sizeof(int) };
	pid_t user, unloader;
	bool locked;
	int status;

	shared->ready = 0;
	shared->rounds = 0;
	shared->wrong = 0;
	user = fork();
	if (user == 0)
		be_used();
	victim_wait(&shared->ready);
	unloader = start_unloading();
	if (!unloader) {
		ok(true, "rmmod --force # SKIP this kernel does not know it (CONFIG_MODULE_FORCE_UNLOAD)");
		victim_end(user);
		return;
	}
	ok(victim_goes_on(&shared->rounds) && !shared->wrong && waitpid(unloader, &status, WNOHANG) == 0,
	   "rmmod --force: it waits; who has a region goes on, and finds its contents");
	ok(!ptrace(PTRACE_SEIZE, user, 0, 0) && victim_stands_still(&shared->rounds), "under a debugger it parks");
	ok(!ptrace(PTRACE_INTERRUPT, user, 0, 0) && waitpid(user, &status, 0) == user && !ptrace(PTRACE_DETACH, user, 0, 0) &&
	   victim_goes_on(&shared->rounds) && !shared->wrong,
	   "and goes on afterwards");
	ok(process_vm_writev(user, &local, 1, &remote, 1, 0) == sizeof(int) && waitpid(user, &status, 0) == user && WIFSIGNALED(status) &&
	   WTERMSIG(status) == SIGBUS && !victim_was_looted(),
	   "led astray, it gets SIGBUS, and nothing is given away");
	locked = victim_log("memory written by unload");
	ok(locked, "the log says by whom");
	ok(waitpid(unloader, &status, 0) == unloader && WIFEXITED(status) && WEXITSTATUS(status) == 0 && access("/sys/module/cryptmem", F_OK) < 0 && !module_reload(),
	   "when the last user has gone it is unloaded, and can be loaded again");
}

int main(void)
{
	victim_setup();
	module_remember();
	unload_under_parked();
	/* After that the kernel takes nobody's word for locks any more. */
	if (access("/proc/lockdep", F_OK) == 0)
		ok(true, "rmmod --force # SKIP this kernel watches locks, and does not after that");
	else
		force_among_users();
	return tap_done();
}
