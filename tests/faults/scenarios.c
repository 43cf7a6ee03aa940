// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process does while its allocations fail. Each leaves in the world what should be there afterwards.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../unit/tap.h"
#include "world.h"

static unsigned char *page(struct world *w, size_t n)
{
	return w->region + n * WORLD_PAGE;
}

static int act_open(struct world *w)
{
	w->device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	return w->device < 0 ? errno : 0;
}

static int act_mmap(struct world *w)
{
	w->region = mmap(NULL, WORLD_PAGES * WORLD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->device, 0);
	if (w->region != MAP_FAILED)
		return 0;
	w->region = NULL;
	return errno;
}

/* Those that were put out long ago come back, others go. */
static int act_load(struct world *w)
{
	int result = 0;

	for (size_t i = 0; i < WORLD_PAGES && !result; i++)
		result = world_load(w, i);
	return result;
}

static int act_store(struct world *w)
{
	int result = 0;

	for (size_t i = 0; i < WORLD_PAGES && !result; i++)
		result = world_store(w, i, (unsigned char)(w->fill[i] + 1));
	return result;
}

/*
 * The module's tables have more than one level there, each of which takes memory. By a system call, which does not try again, and it is the
 * last: what has been made of them when it fails is of no use to anybody.
 */
static int act_far(struct world *w)
{
	const size_t pages = 5000;
	unsigned char *far = mmap(NULL, pages * WORLD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->device, 0);

	if (far == MAP_FAILED || write(w->pipe[1], "", 1) != 1)
		return errno;
	if (read(w->pipe[0], far + (pages - 1) * WORLD_PAGE, 1) == 1)
		_exit(0);
	_exit(errno == EFAULT || errno == ENOMEM ? WORLD_ENDS : WORLD_WRONG);
}

/* A system call that is cut short has filled what it says. */
static int act_read(struct world *w)
{
	unsigned char text[64];
	ssize_t n;

	memset(text, 200, sizeof(text));
	for (size_t i = 0; i < WORLD_PAGES; i++) {
		if (write(w->pipe[1], text, sizeof(text)) != sizeof(text))
			return errno;
		w->gone[i] = true; /* part of it is new */
		n = read(w->pipe[0], page(w, i), sizeof(text));
		if (n < 0)
			return errno;
		if (memcmp(page(w, i), text, (size_t)n))
			return WORLD_WRONG;
	}
	return 0;
}

static int act_write(struct world *w)
{
	unsigned char text[64];
	ssize_t n;

	for (size_t i = 0; i < WORLD_PAGES; i++) {
		n = write(w->pipe[1], page(w, i), sizeof(text));
		if (n < 0)
			return errno;
		if (n && read(w->pipe[0], text, (size_t)n) != n)
			return errno;
		for (ssize_t at = 0; at < n; at++)
			if (text[at] != w->fill[i])
				return WORLD_WRONG;
	}
	return 0;
}

static int child_works(struct world *w)
{
	int result = 0;

	for (size_t i = 0; i < WORLD_PAGES && !result; i++) {
		result = world_load(w, i);
		if (!result)
			result = world_store(w, i, 1);
	}
	/* Its region could not be copied: the log says so. */
	return result == WORLD_SIGBUS ? 0 : result;
}

static int act_fork(struct world *w)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(child_works(w));
	return world_child(pid);
}

static int thread_of(void *arg)
{
	struct world *w = arg;

	page(w, 2)[0] = w->fill[2];
	return 0;
}

static int act_clone(struct world *w)
{
	static char stack[65536] __attribute__((aligned(16)));

	return world_child(clone(thread_of, stack + sizeof(stack), CLONE_VM | CLONE_FILES | SIGCHLD, w));
}

static int act_vfork_exec(struct world *w)
{
	pid_t pid;

	(void)w;
	pid = vfork();
	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(0);
	}
	return world_child(pid);
}

/* Without a way back, or with ENOMEM. */
static int act_exec(struct world *w)
{
	(void)w;
	execl("/bin/true", "true", NULL);
	/* So execve() says that it has no page for the arguments, cannot read the loader's head, or has no room for the program's headers. */
	return errno == E2BIG || errno == ELIBBAD || errno == ENOEXEC ? ENOMEM : errno;
}

static int act_exit(struct world *w)
{
	(void)w;
	_exit(0);
}

static int act_unmap(struct world *w)
{
	bool failed = munmap(w->region, WORLD_PAGES * WORLD_PAGE);

	for (size_t i = 0; !failed && i < WORLD_PAGES; i++)
		w->gone[i] = true;
	return failed ? errno : 0;
}

static int act_unmap_middle(struct world *w)
{
	bool failed = munmap(page(w, 3), 2 * WORLD_PAGE);

	w->gone[3] = w->gone[4] = !failed;
	return failed ? errno : 0;
}

static int act_protect_middle(struct world *w)
{
	return mprotect(page(w, 6), WORLD_PAGE, PROT_READ) ? errno : 0;
}

/*
 * Where the kernel has no memory left to unmap what it has moved, both places map the same. Neither may lose it to the other, in this
 * process or in a child.
 */
static int both_places(struct world *w, unsigned char *old, size_t first, size_t n)
{
	pid_t pid;
	int result = 0;

	if (msync(old + first * WORLD_PAGE, n * WORLD_PAGE, MS_ASYNC))
		return 0;
	pid = fork();
	if (pid == 0) {
		munmap(old + first * WORLD_PAGE, n * WORLD_PAGE);
		for (size_t i = 0; i < WORLD_PAGES && !result; i++)
			result = w->gone[i] ? 0 : world_load(w, i);
		_exit(result);
	}
	result = world_child(pid);
	munmap(old + first * WORLD_PAGE, n * WORLD_PAGE);
	return result;
}

static int act_move(struct world *w)
{
	unsigned char *old = w->region, *to;

	to = mremap(old, WORLD_PAGES * WORLD_PAGE, WORLD_PAGES * WORLD_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, old + (1UL << 30));
	if (to == MAP_FAILED)
		return errno;
	w->region = to;
	return both_places(w, old, 0, WORLD_PAGES);
}

/* Two pages of the middle, to and fro. */
static int act_move_part(struct world *w)
{
	unsigned char *away = w->region + (1UL << 30), *at;
	int result = 0;

	for (int i = 0; i < 2 && !result; i++) {
		unsigned char *from = i ? away : page(w, 3), *to = i ? page(w, 3) : away;

		at = mremap(from, 2 * WORLD_PAGE, 2 * WORLD_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		if (at == MAP_FAILED)
			result = errno;
		else if (i)
			w->gone[3] = w->gone[4] = false;
		else if (msync(from, 2 * WORLD_PAGE, MS_ASYNC))
			w->gone[3] = w->gone[4] = true;
		/* Else it is in both places. */
		else if (memcmp(away, page(w, 3), 2 * WORLD_PAGE))
			result = WORLD_WRONG;
	}
	return result;
}

static int act_lock_memory(struct world *w)
{
	return mlock(w->region, WORLD_PAGES * WORLD_PAGE) ? errno : 0;
}

static int act_status(struct world *w)
{
	struct cryptmem_status status = { .size = sizeof(status) };

	return ioctl(w->device, CRYPTMEM_IOC_STATUS, &status) ? errno : 0;
}

static int act_window(struct world *w)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = 2 * WORLD_WINDOW };

	if (ioctl(w->device, CRYPTMEM_IOC_CONFIG, &config))
		return errno;
	if (act_load(w))
		return WORLD_WRONG;
	config.window = WORLD_WINDOW;
	return ioctl(w->device, CRYPTMEM_IOC_CONFIG, &config) ? errno : 0;
}

static int act_discard(struct world *w)
{
	struct cryptmem_discard discard = { .size = sizeof(discard), .addr = (unsigned long)page(w, 2), .len = 3 * WORLD_PAGE };

	if (ioctl(w->device, CRYPTMEM_IOC_DISCARD, &discard))
		return errno;
	w->fill[2] = w->fill[3] = w->fill[4] = 0;
	return 0;
}

/* What ends one that has been made without what it needs to be protected, or without a region's copy. */
static bool is_stillborn(int signal)
{
	return signal == SIGKILL || signal == SIGBUS;
}

/* Whether it has been made like that, and so does not live: it is dead, or about to be, when ptrace() cannot find it any more. */
static bool stillborn(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | __WALL) == 0 && info.si_code == CLD_KILLED && is_stillborn(info.si_status);
}

static bool is_gone(int err)
{
	return err == ESRCH || err == EPERM;
}

/* It is the tracer's allocations that fail. */
static int act_trace(struct world *w)
{
	pid_t pid = fork();
	int err = 0, status = 0;
	long word;

	if (pid < 0)
		return errno;
	if (pid == 0) {
		for (;;)
			page(w, 1)[7] = w->fill[1];
	}
	if (ptrace(PTRACE_ATTACH, pid, 0, 0)) {
		err = errno;
		if (is_gone(err) && stillborn(pid))
			err = 0;
	} else {
		waitpid(pid, &status, __WALL);
		if (WIFSIGNALED(status) && is_stillborn(WTERMSIG(status)))
			return 0;
		if (WIFSIGNALED(status)) {
			tap_note("it died of signal %d", WTERMSIG(status));
			return WORLD_WRONG;
		}
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, page(w, 1), 0);
		if (errno == ESRCH)
			err = stillborn(pid) ? 0 : ESRCH;
		else if (errno)
			err = errno == EIO ? 0 : errno;
		else if ((word & 0xffff) == w->fill[1] * 0x101) {
			tap_note("it was read: %lx", word);
			err = WORLD_WRONG;
		}
		if (ptrace(PTRACE_POKEDATA, pid, page(w, 1), 0) == 0) {
			tap_note("it was written, and read before as %lx", word);
			err = WORLD_WRONG;
		}
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return err;
}

/* Of a process that has opened nothing yet: what is changed there is written down. */
static int act_change(struct world *w)
{
	struct user_regs_struct registers;
	struct iovec all = { &registers, sizeof(registers) };
	pid_t pid = fork();
	int err = 0;

	if (pid < 0)
		return errno;
	if (pid == 0)
		for (;;)
			pause();
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, NULL, __WALL) != pid || ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) ||
	    ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all))
		err = errno;
	/* It is told of no error but EIO. */
	else if (ptrace(PTRACE_POKEDATA, pid, w->fill, 0))
		err = errno == EIO ? ENOMEM : errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return err;
}

static int act_memfile(struct world *w)
{
	unsigned char got[64];
	int fd = open("/proc/self/mem", O_RDWR);
	ssize_t n;
	int err;

	/* No memory for an inode is ENOENT in procfs. */
	if (fd < 0)
		return errno == ENOENT ? ENOMEM : errno;
	n = pread(fd, got, sizeof(got), (off_t)page(w, 1));
	err = n < 0 ? errno : 0;
	for (ssize_t i = 0, same = 0; i < n; i++) {
		same += got[i] == w->fill[1];
		if (same > 16)
			err = WORLD_WRONG;
	}
	close(fd);
	return err == EIO ? 0 : err;
}

static int act_close(struct world *w)
{
	close(w->device);
	w->device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	return w->device < 0 ? errno : 0;
}

static void handler(int number)
{
	(void)number;
}

/* The kernel writes the frame, on a stack that is in the region. Where it cannot, it kills. */
static int act_signal(struct world *w)
{
	stack_t stack = { .ss_sp = page(w, 5), .ss_size = 4 * WORLD_PAGE };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	for (size_t i = 5; i < 9; i++)
		w->gone[i] = true;
	if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
		return errno;
	raise(SIGUSR1);
	stack.ss_flags = SS_DISABLE;
	return sigaltstack(&stack, NULL) ? errno : 0;
}

/* It is refused, for want of memory or because of the region: this machine says ENODEV when nobody is in the way. */
static int act_hibernate(struct world *w)
{
	int fd = open("/sys/power/state", O_WRONLY), err;

	(void)w;
	if (fd < 0)
		return errno;
	err = write(fd, "disk", 4) == 4 ? WORLD_WRONG : errno;
	close(fd);
	return err == EBUSY ? 0 : err;
}

const struct scenario scenarios[] = {
	{ "open", NOTHING, act_open, false, false, false },
	{ "open with threads", THREADS, act_open, false, false, false },
	{ "close, open", DEVICE, act_close, false, false, false },
	{ "mmap", DEVICE, act_mmap, false, false, false },
	{ "load", REGION, act_load, false, false, false },
	{ "store", REGION, act_store, false, false, false },
	{ "read() far away, exit", REGION, act_far, true, false, false },
	{ "load after fork", COPY, act_load, false, false, false },
	{ "store after fork", COPY, act_store, false, false, false },
	{ "read()", REGION, act_read, false, false, false },
	{ "write()", REGION, act_write, false, false, false },
	{ "signal", REGION, act_signal, false, false, false },
	{ "STATUS", REGION, act_status, false, false, false },
	{ "CONFIG", REGION, act_window, false, false, false },
	{ "DISCARD", REGION, act_discard, false, false, false },
	{ "munmap", REGION, act_unmap, false, false, false },
	{ "munmap of a part", REGION, act_unmap_middle, false, false, false },
	{ "mprotect of a part", REGION, act_protect_middle, false, false, false },
	{ "mremap", REGION, act_move, false, false, false },
	{ "mremap of a part", REGION, act_move_part, false, false, false },
	{ "mlock", REGION, act_lock_memory, false, false, true },
	{ "fork", REGION, act_fork, false, true, false },
	{ "clone", REGION, act_clone, false, true, false },
	{ "vfork, exec", REGION, act_vfork_exec, false, true, false },
	{ "ptrace", REGION, act_trace, false, true, false },
	{ "ptrace of who has no region", NOTHING, act_change, false, true, false },
	{ "/proc/self/mem", REGION, act_memfile, false, false, false },
	{ "hibernation", REGION, act_hibernate, false, false, false },
	{ "exec", REGION, act_exec, true, false, false },
	{ "exit", REGION, act_exit, true, false, true },
	{ NULL, NOTHING, NULL, false, false, false },
};
