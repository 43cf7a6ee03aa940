// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads of a process that has no region any more still carry what counts them until they are in user mode again. Some are woken, and sleep on,
 * right while the module is being unloaded; others when it has gone. Nothing of the module's may run in them then.
 *
 * And a process that had several threads when it opened the device has all counted as long as it lives, those to come as well: however fast they
 * come and go, the module can be unloaded. It is loaded again each time. What is unloaded though it is in use: unload_in_use.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "module.h"
#include "victim.h"

#define THREADS	100
#define ROUNDS	5
#define CHURNERS	4
#define WRITERS		1000
#define PATIENCE	60	/* seconds after which it hangs */

enum { WAIT, NUDGE, FREE };	/* shared->command */

static int lines[THREADS][2];

/* Does not come back to user mode before it has two bytes. */
static void *sleep_twice(void *line)
{
	char bytes[2];

	return (void *)(long)(recv(*(int *)line, bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes));
}

static void wait_for(int command)
{
	while (shared->command != command)
		usleep(200);
}

/* A byte for each, 2 ms apart; how many have had theirs is in ->rounds. */
static void nudge_all(void)
{
	shared->rounds = 0;
	for (int i = 0; i < THREADS; i++) {
		if (send(lines[i][1], "x", 1, 0) != 1)
			_exit(3);
		shared->rounds++;
		usleep(2000);
	}
}

static void child(void)
{
	pthread_t thread[THREADS];
	int fd, wrong = 0;
	void *failed;
	char *page = victim_region(1, &fd);

	page[0] = 1;
	for (int i = 0; i < THREADS; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, lines[i]) || pthread_create(&thread[i], NULL, sleep_twice, &lines[i][0]))
			_exit(2);
	usleep(200000);	/* all of them sleep in recv() */
	munmap(page, 4096);
	close(fd);
	shared->ready = 1;
	wait_for(NUDGE);
	nudge_all();
	wait_for(FREE);
	nudge_all();
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &failed);
		wrong += failed != NULL;
	}
	_exit(wrong != 0);
}

static bool is_idle(void)
{
	char count[16];

	victim_get("/sys/module/cryptmem/refcnt", count, sizeof(count));
	return strcmp(count, "0") == 0;
}

/* How many were nudged while the module was being unloaded; -1: it could not be. */
static long unload_among_sleepers(bool *well)
{
	long before, nudged = -1;
	int status, err;
	pid_t pid;

	shared->ready = 0;
	shared->command = WAIT;
	pid = fork();
	if (pid == 0)
		child();
	if (!victim_wait(&shared->ready)) {
		tap_note("the threads do not sleep");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	/* A thread that is woken before that holds it until it is in user mode. */
	for (int tries = 0; tries < 100 && !is_idle(); tries++)
		usleep(50000);
	shared->rounds = 0;
	shared->command = NUDGE;
	before = shared->rounds;
	err = module_unload(0);
	if (err)
		tap_note("it cannot be unloaded: %s", strerror(err));
	else
		nudged = shared->rounds - before;
	while (shared->rounds < THREADS && waitpid(pid, &status, WNOHANG) == 0)
		usleep(1000);
	shared->command = FREE;
	*well = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return nudged;
}

static void *nothing(void *unused)
{
	return unused;
}

/* Hundreds of threads a second. */
static void *churn(void *unused)
{
	pthread_t thread;

	(void)unused;
	for (;;)
		if (pthread_create(&thread, NULL, nothing, NULL) == 0) {
			pthread_join(thread, NULL);
			__atomic_add_fetch(&shared->others, 1, __ATOMIC_RELAXED);
		}
	return NULL;
}

static void churn_for_ever(void)
{
	pthread_t thread;
	int fd;

	for (int i = 0; i < CHURNERS; i++)
		if (pthread_create(&thread, NULL, churn, NULL))
			_exit(1);
	fd = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		_exit(1);
	close(fd);
	shared->ready = 1;
	pause();
}

/* Whether it was, before anybody had lost patience. */
static bool unload_among_threads(void)
{
	bool unloaded = false, churned;
	pid_t churner, unloader;
	int status;
	long came;

	shared->ready = 0;
	shared->others = 0;
	churner = fork();
	if (churner == 0)
		churn_for_ever();
	churned = victim_wait(&shared->ready);
	came = shared->others;
	unloader = fork();
	if (unloader == 0) {
		module_unload_idle();
		_exit(access("/sys/module/cryptmem/refcnt", F_OK) == 0);
	}
	for (int i = 0; i < PATIENCE * 10 && !unloaded; i++) {
		unloaded = waitpid(unloader, &status, WNOHANG) == unloader;
		usleep(100000);
	}
	came = shared->others - came;
	churned = churned && came > CHURNERS && waitpid(churner, &status, WNOHANG) == 0;
	tap_note("%ld threads came and went meanwhile", came);
	kill(churner, SIGKILL);
	waitpid(churner, NULL, 0);
	if (!unloaded)
		waitpid(unloader, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		tap_note("it cannot be unloaded");
		return false;
	}
	status = module_reload();
	if (status)
		tap_note("it cannot be loaded again: %s", strerror(status));
	return unloaded && churned && !status;
}

/* Functions that the module must be alone to watch. */
static bool load_among_watchers(const char *functions)
{
	bool waited, served = false;
	pid_t pid;

	module_unload_idle();
	if (!victim_watch(functions) || module_reload()) {
		tap_note("it cannot be loaded while %s is watched", functions);
		return false;
	}
	shared->ready = 0;
	pid = fork();
	if (pid == 0) {
		victim_make_secret(victim_region(1, NULL));
		shared->ready = 1;
		pause();
	}
	usleep(1000000);
	waited = !shared->ready;
	if (victim_watch(NULL))
		served = victim_wait(&shared->ready);
	if (!waited || !served)
		tap_note("%s: %s", functions, waited ? "nothing can be used afterwards" : "memory can be used meanwhile");
	victim_end(pid);
	return waited && served;
}

static void *write_late(void *page)
{
	struct iovec local = { page, 4 }, remote = { (void *)&shared->others, 4 };

	__atomic_add_fetch(&shared->rounds, process_vm_writev(shared->tid, &local, 1, &remote, 1, 0) == 4, __ATOMIC_RELAXED);
	return NULL;
}

/* One more every few milliseconds, each of which waits for what it is to write: until ->command, and then all of them go on. */
static _Noreturn void write_again_and_again(void)
{
	static pthread_t thread[WRITERS];
	static char bytes[4096];
	int fd, n = 0;
	void *page = victim_absent_page(&fd);

	while (n < WRITERS && !shared->command) {
		if (pthread_create(&thread[n], NULL, write_late, page))
			_exit(2);
		if (n++ == 0 && !victim_page_is_awaited(fd))
			_exit(3);
		shared->ready = n;
		usleep(10000);
	}
	while (!shared->command)
		usleep(1000);
	if (!victim_supply_page(fd, page, bytes))
		_exit(4);
	for (int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	_exit(shared->rounds != n);
}

/*
 * Whether a module that could not be loaded leaves nothing behind with those who were changing other processes meanwhile: they would run into it
 * when it has gone.
 */
static bool fail_among_writers(void)
{
	int status = 0, err, before, meanwhile;
	pid_t writer;

	module_unload_idle();
	shared->ready = 0;
	shared->command = 0;
	shared->rounds = 0;
	shared->tid = getpid();
	writer = fork();
	if (writer == 0)
		write_again_and_again();
	victim_wait(&shared->ready);
	before = shared->ready;
	err = module_load("hibernation=neither");
	meanwhile = shared->ready - before;
	shared->command = 1;
	waitpid(writer, &status, 0);
	tap_note("%d calls were begun meanwhile; loading: %s; status %#x", meanwhile, strerror(err), (unsigned int)status);
	return err == EINVAL && meanwhile > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && module_reload() == 0;
}

int main(void)
{
	bool well = true, loaded = true;
	long nudged = 0;
	int device = -1, err;
	char *page;

	victim_setup();
	module_remember();
	for (int i = 0; i < ROUNDS && nudged <= 0 && well && loaded; i++) {
		nudged = unload_among_sleepers(&well);
		err = nudged < 0 ? 0 : module_reload();
		loaded = err == 0;
		if (err)
			tap_note("it cannot be loaded again: %s", strerror(err));
	}
	ok(nudged > 0, "%ld threads were woken while the module was being unloaded", nudged);
	ok(well, "they went on when it had gone");
	loaded = loaded && unload_among_threads();
	ok(loaded, "it can be unloaded while threads come and go in a process that has once opened the device");
	page = loaded ? victim_region(1, &device) : NULL;
	ok(loaded && page && (page[0] = 1), "it was loaded again, and can be used");
	if (page)
		munmap(page, 4096);
	close(device);
#ifdef __x86_64__
	ok(loaded && load_among_watchers("copy_from_user_nofault") && load_among_watchers("text_poke_queue copy_from_user_nofault"),
	   "it can be loaded while others watch what events read memory with: then no protected memory is used");
#else
	(void)load_among_watchers;
#endif
	ok(loaded && fail_among_writers(), "where it cannot be loaded, those who were changing other processes meanwhile go on, and it can be loaded afterwards");
	return tap_done();
}
