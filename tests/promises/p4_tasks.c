// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4 for every kind of task that shares an address space: each is counted, or it would read zeros and its writes would be lost.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/ring.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"

#define STACK	65536

static char *page;

static bool child_ended_well(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, __WALL) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Sleeps in between, so that it is switched out and in while the others sleep too. */
static int add_slowly(void *count)
{
	for (int i = 0; i < (int)(long)count; i++) {
		__atomic_add_fetch(&page[i], 1, __ATOMIC_RELAXED);
		usleep(2000);
	}
	return 0;
}

static void clone_vm(void)
{
	char *stack = malloc(STACK);
	pid_t pid;

	memset(page, 0, 4096);
	pid = clone(add_slowly, stack + STACK, CLONE_VM | SIGCHLD, (void *)50L);
	ok(child_ended_well(pid) && tap_is_filled(page, 1, 50), "a process that shares the memory, but is no thread");
	free(stack);
}

static int wait_and_add(void *unused)
{
	(void)unused;
	while (!page)
		usleep(1000);
	return add_slowly((void *)50L);
}

static void *wait_only(void *unused)
{
	(void)unused;
	pause();
	return NULL;
}

/* With @thread, it is one of several that the machine has to be stopped for. */
static void there_before(bool thread)
{
	char *stack = malloc(STACK);
	pid_t pid = fork(), other;
	pthread_t waiter;

	if (pid == 0) {
		page = NULL;
		if (thread && pthread_create(&waiter, NULL, wait_only, NULL))
			_exit(1);
		other = clone(wait_and_add, stack + STACK, CLONE_VM | SIGCHLD, NULL);
		page = victim_region(1, NULL);
		_exit(!child_ended_well(other) || !tap_is_filled(page, 1, 50));
	}
	ok(child_ended_well(pid), "one that shared it before the device was opened%s", thread ? ", by a process with a thread" : "");
	free(stack);
}

static void vfork_and_exec(void)
{
	pid_t pid;

	memset(page, 0, 4096);
	pid = vfork();
	if (pid == 0) {
		page[0] = 1;
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	page[1] = 1;
	ok(child_ended_well(pid) && page[0] == 1 && page[1] == 1, "a vfork() child, which executes another program");
	pid = fork();
	if (pid == 0) {
		page[2] = 1;
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	ok(child_ended_well(pid) && page[2] == 0 && page[0] == 1, "a fork() child, which executes another program");
}

static void *outlive(void *unused)
{
	(void)unused;
	usleep(100000);
	for (int i = 0; i < 20; i++) {
		if (page[0] != 42)
			_exit(1);
		page[1]++;
		usleep(2000);
	}
	_exit(page[1] == 20 ? 0 : 2);
}

static void main_thread_first(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		page = victim_region(1, NULL);
		page[0] = 42;
		pthread_create(&thread, NULL, outlive, NULL);
		syscall(SYS_exit, 0);	/* this thread alone */
	}
	ok(child_ended_well(pid), "the main thread exits first, another one goes on");
}

static void *exec_here(void *unused)
{
	(void)unused;
	execl("/bin/true", "true", NULL);
	return NULL;
}

static void exec_by_a_thread(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		page = victim_region(8, NULL);
		pthread_create(&thread, NULL, exec_here, NULL);
		for (;;)
			page[4096] ^= 1;
	}
	ok(child_ended_well(pid), "a thread executes another program while the main thread works");
}

static void killed_at_work(void)
{
	bool good = true;

	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			page = victim_region(100, NULL);
			for (int at = 0;; at = (at + 4096) % (100 * 4096))
				page[at]++;
		}
		usleep((unsigned int)(i * 1500));
		kill(pid, SIGKILL);
		good &= waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	ok(good, "killed at all stages of its faults");
}

static void io_uring(void)
{
	char bytes[1000];
	struct ring ring;
	int data[2];

	if (!ring_open(&ring, 0) || pipe(data)) {
		ok(true, "io_uring # SKIP this kernel has none");
		return;
	}
	memset(page, 0, 4096);
	memset(bytes, 'u', sizeof(bytes));
	ring.sqe->opcode = IORING_OP_READ;
	ring.sqe->flags = IOSQE_ASYNC; /* by a worker */
	ring.sqe->fd = data[0];
	ring.sqe->addr = (unsigned long)page;
	ring.sqe->len = sizeof(bytes);
	ring.sqe->off = (__u64)-1;
	ok(ring_submit(&ring), "control: io_uring takes a read into a region");
	/* Now nobody of ours runs but the worker, when the data comes. */
	if (fork() == 0) {
		usleep(200000);
		_exit(write(data[1], bytes, sizeof(bytes)) != sizeof(bytes));
	}
	ring_wait(&ring);
	wait(NULL);
	ok(tap_is_filled(page, 'u', sizeof(bytes)) && page[1000] == 0, "and its worker's data is there");
	ring_close(&ring);
}

static void *wait_a_little(void *unused)
{
	usleep(200000);
	return unused;
}

/* The tasks that exist when the device is first opened, too. */
static void opened_late(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread[8];
		for (int i = 0; i < 4; i++)
			pthread_create(&thread[i], NULL, wait_a_little, NULL);
		page = victim_region(1, NULL);
		memset(page, 0, 4096);
		for (int i = 4; i < 8; i++)
			pthread_create(&thread[i], NULL, (void *(*)(void *))(void *)add_slowly, (void *)50L);
		for (int i = 0; i < 8; i++)
			pthread_join(thread[i], NULL);
		_exit(!tap_is_filled(page, 4, 50));
	}
	ok(child_ended_well(pid), "the device is first opened by a process with threads");
}

int main(void)
{
	/* First: a child of a process with regions has its tasks attached from the start. */
	there_before(false);
	there_before(true);
	victim_setup();
	opened_late();
	main_thread_first();
	exec_by_a_thread();
	killed_at_work();
	page = victim_region(1, NULL);
	clone_vm();
	vfork_and_exec();
	io_uring();
	return tap_done();
}
