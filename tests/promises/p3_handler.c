// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: while a uprobe's handler is at work for one thread, and waits for a page, nothing comes into memory for another one that it could read
 * then: not even what the kernel writes for that one without looking whether it can; nor when the process opens the device only then.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define TRACING	"/sys/kernel/tracing/"
#define ENABLE	TRACING "events/uprobes/p3_handler/enable"
#define SECRET	64	/* where it is in the page; at its beginning is the word of a thread that ends */
#define STALE	0x7fffffff
#define STACK	65536

static char *page, *slow;
static char plain[SECRET_LEN];
static char stack[STACK] __attribute__((aligned(16)));
static int uffd;
static int steps[2];

static __attribute__((noinline)) void place(volatile long *rounds)
{
	(*rounds)++;
}

/* A page that is not there until somebody says so: here the test does, elsewhere a disk. */
static bool make_slow(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	slow = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)slow;
	range.range.len = 4096;
	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	return uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0 && ioctl(uffd, UFFDIO_REGISTER, &range) == 0;
}

static void *run_into_it(void *unused)
{
	while (shared->command < 1)
		usleep(1000);
	place(&shared->rounds);
	return unused;
}

static int end_on_command(void *unused)
{
	(void)unused;
	while (shared->command < 2)
		usleep(1000);
	return 0;
}

static void make_secret(void)
{
	if (mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC), 0) != page)
		_exit(3);
	victim_make_secret(page + SECRET);
	*(int *)page = STALE;
}

/* Until the test says so. */
static void step(void)
{
	char byte;

	if (read(steps[0], &byte, 1) != 1)
		_exit(3);
}

/* @late: it opens the device when the handler is at work already. */
static void victim(bool late)
{
	pthread_t thread;

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	victim_make_secret(plain);
	if (!make_slow() || pthread_create(&thread, NULL, run_into_it, NULL))
		_exit(3);
	memcpy((void *)shared->loot, (void *[]) { page, slow, plain }, 3 * sizeof(void *));
	shared->tid = uffd;
	shared->ready = 1;
	step();
	make_secret();
	if (!late && clone(end_on_command, stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID, NULL,
			   NULL, NULL, page) < 0)
		_exit(3);
	shared->ready = 2;
	/* Nobody comes to user mode meanwhile: that would put out what is there. */
	step();
	shared->wrong = *(int *)page != (late ? STALE : 0);
	shared->others = 1;
	_exit(0);
}

static bool define(void *addresses[3])
{
	char event[PATH_MAX + 512], code[PATH_MAX + 64];
	bool found = victim_place(place, code, sizeof(code));

	snprintf(event, sizeof(event), "p:p3_handler %s slow=@%p:x64 secret=@%p:x64 plain=@%p:x64", code, addresses[1], (char *)addresses[0] + SECRET,
		 addresses[2]);
	return found && victim_set(TRACING "uprobe_events", event);
}

/* Whether the event says what the secret begins with, under that name. */
static bool told(const char *name)
{
	char secret[SECRET_LEN], wanted[64], line[512];
	FILE *f = fopen(TRACING "trace", "r");
	bool found = false;
	uint64_t word;

	victim_make_secret(secret);
	memcpy(&word, secret, sizeof(word));
	snprintf(wanted, sizeof(wanted), "%s=%#" PRIx64, name, word);
	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, wanted) != NULL;
	if (f)
		fclose(f);
	return found;
}

/* Waits for the handler to wait for the slow page. */
static bool handler_waits(int fd)
{
	struct uffd_msg message;

	for (int i = 0; i < 10000; i++) {
		if (read(fd, &message, sizeof(message)) == sizeof(message))
			return true;
		usleep(1000);
	}
	return false;
}

static bool give_page(int fd, void *at)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)at, 4096 } };

	return ioctl(fd, UFFDIO_ZEROPAGE, &zero) == 0;
}

static void try(bool late)
{
	void *addresses[3];
	pid_t pid;
	int fd;

	if (pipe(steps))
		exit(2);
	pid = fork();
	if (pid == 0)
		victim(late);
	ok(victim_wait(&shared->ready), late ? "a process will have a secret" : "a process will have a secret in a page where the kernel writes when a thread ends");
	memcpy(addresses, (void *)shared->loot, sizeof(addresses));
	fd = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), shared->tid, 0);
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
	ok(fd >= 0 && define(addresses) && victim_set(ENABLE, "1"),
	   "control: a uprobe is to tell the secret, and before that a page that is slow to come");
	/* A breakpoint that came later would have all stand still. */
	if (!late && write(steps[1], "", 1) == 1)
		for (int i = 0; i < 5000 && shared->ready != 2; i++)
			usleep(1000);
	shared->command = 1;
	ok(handler_waits(fd), "control: a thread has run into it, and the handler waits for the slow page");
	shared->command = 2;
	if (late)
		write(steps[1], "", 1);
	usleep(300000);
	ok(give_page(fd, addresses[1]) && victim_wait((volatile int *)&shared->rounds), "%s; that page is there, the thread goes on",
	   late ? "now the process opens the device" : "now the thread ends");
	ok(told("plain"), "control: the handler has told the same from ordinary memory");
	ok(!told("secret"), "it has not from the region");
	victim_set(ENABLE, "0");
	write(steps[1], "  ", 2);
	for (int i = 0; i < 10000 && !shared->others; i++)
		usleep(1000);
	ok(shared->others == 1 && !shared->wrong, "afterwards the process goes on, and finds what is to be there");
	victim_end(pid);
	close(fd);
	victim_set(TRACING "uprobe_events", "-:p3_handler");
}

int main(void)
{
	victim_setup();
	try(true);
	try(false);
	return tap_done();
}
