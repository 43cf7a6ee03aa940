// SPDX-License-Identifier: GPL-2.0-only
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

static sigjmp_buf on_bus;

static void bus(int number)
{
	(void)number;
	siglongjmp(on_bus, 1);
}

static void *idle(void *unused)
{
	(void)unused;
	pause();
	return NULL;
}

static void need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	_exit(WORLD_NONE);
}

/* The parent ends as the child does. */
static void go_on_as_child(void)
{
	pid_t pid = fork();
	int status;

	need(pid >= 0, "fork");
	if (pid == 0)
		return;
	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	signal(WTERMSIG(status), SIG_DFL);
	kill(getpid(), WTERMSIG(status));
	_exit(WORLD_NONE);
}

void world_set_up(struct world *w, enum world_ready ready)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = WORLD_WINDOW };
	pthread_t thread;

	memset(w, 0, sizeof(*w));
	w->device = -1;
	need(pipe(w->pipe) == 0, "pipe");
	if (ready == THREADS)
		for (int i = 0; i < 3; i++)
			need(pthread_create(&thread, NULL, idle, NULL) == 0, "thread");
	if (ready < DEVICE)
		return;
	w->device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	need(w->device >= 0 && ioctl(w->device, CRYPTMEM_IOC_CONFIG, &config) == 0, CRYPTMEM_DEVICE);
	if (ready < REGION)
		return;
	w->region = mmap(NULL, WORLD_PAGES * WORLD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->device, 0);
	need(w->region != MAP_FAILED, "region");
	/* The last is never touched: it is new. */
	for (size_t i = 0; i < WORLD_PAGES - 1; i++)
		need(world_store(w, i, (unsigned char)(17 * i + 101)) == 0, "page");
	if (ready == COPY) {
		go_on_as_child();
		/* Descriptors are the parent's: one of its own. */
		close(w->device);
		w->device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
		need(w->device >= 0, "device of a child");
	}
}

/* Calls it where SIGBUS is caught. */
static int guarded(int (*call)(unsigned char *page, unsigned char byte), unsigned char *page, unsigned char byte)
{
	struct sigaction action = { .sa_handler = bus }, before;
	volatile int result = WORLD_SIGBUS;

	sigaction(SIGBUS, &action, &before);
	if (!sigsetjmp(on_bus, 1))
		result = call(page, byte);
	sigaction(SIGBUS, &before, NULL);
	return result;
}

static int load(unsigned char *page, unsigned char byte)
{
	for (size_t i = 0; i < WORLD_PAGE; i++)
		if (page[i] != byte)
			return WORLD_WRONG;
	return 0;
}

static int store(unsigned char *page, unsigned char byte)
{
	memset(page, byte, WORLD_PAGE);
	return 0;
}

int world_load(struct world *w, size_t page)
{
	return guarded(load, w->region + page * WORLD_PAGE, w->fill[page]);
}

int world_store(struct world *w, size_t page, unsigned char byte)
{
	int result = guarded(store, w->region + page * WORLD_PAGE, byte);

	/* SIGBUS comes before the first byte is stored. */
	if (result == 0)
		w->fill[page] = byte;
	return result;
}

int world_child(pid_t pid)
{
	int status;

	if (pid < 0)
		return errno;
	while (waitpid(pid, &status, __WALL) != pid)
		if (errno != EINTR)
			return errno;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGKILL ? 0 : WORLD_WRONG;
	return WEXITSTATUS(status);
}

/* Root's ways in: they fail, or get ciphertext. */
static bool closed(const struct world *w, size_t page)
{
	unsigned char got[64], plain[64];
	struct iovec mine = { got, sizeof(got) }, theirs = { w->region + page * WORLD_PAGE, sizeof(got) };
	int fd = open("/proc/self/mem", O_RDONLY), status;
	bool closed = true;
	pid_t parent = getpid(), child;

	memset(plain, w->fill[page], sizeof(plain));
	if (pread(fd, got, sizeof(got), (off_t)(w->region + page * WORLD_PAGE)) > 0)
		closed = memcmp(got, plain, sizeof(got)) != 0;
	close(fd);
	child = fork();
	if (child == 0)
		_exit(process_vm_readv(parent, &mine, 1, &theirs, 1, 0) > 0 && memcmp(got, plain, sizeof(got)) == 0);
	waitpid(child, &status, 0);
	return closed && status == 0;
}

bool world_is_right(struct world *w, char *why, size_t size)
{
	size_t last = WORLD_PAGES;
	int result;

	for (size_t i = 0; w->region && i < WORLD_PAGES; i++) {
		if (w->gone[i])
			continue;
		result = world_load(w, i);
		if (result) {
			snprintf(why, size, "page %zu %s", i, result == WORLD_SIGBUS ? "gives SIGBUS" : "has lost its contents");
			return false;
		}
		last = i;
	}
	if (last < WORLD_PAGES && !closed(w, last)) {
		snprintf(why, size, "page %zu could be read from outside", last);
		return false;
	}
	/* And it can go on. */
	if (w->device >= 0) {
		unsigned char *more = mmap(NULL, WORLD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->device, 0);

		if (more == MAP_FAILED || guarded(load, more, 0)) {
			snprintf(why, size, "no new region afterwards: %s", strerror(errno));
			return false;
		}
		memset(more, 9, WORLD_PAGE);
		munmap(more, WORLD_PAGE);
	}
	return true;
}
