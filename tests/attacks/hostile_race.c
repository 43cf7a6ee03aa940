// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nobody (the user) can do to the module by doing all at once: threads that map, unmap, move, split, protect, advise, lock, discard,
 * fork, trace and touch the same regions, and open and close the device. Every word found there must be zero, or one of those that this
 * process has written: anything else is garbage, or a leak. Others go on meanwhile, and in the end all is given back.
 *
 * hostile_race [SEED [SECONDS]]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../unit/tap.h"
#include "bystander.h"
#include "victim.h"

#define THREADS		6
#define PAGES		64UL
#define BYTES		(PAGES * 4096)
/* Out of the way of where the kernel puts other things: what is unmapped here for a moment stays empty. */
#define ARENA		((char *)0x200000000000)
#define ARENAS		3
#define MAGIC		0x6e6f626f64790000UL	/* upper bytes of each word that is written */

/* What the threads tell the parent. */
static struct report {
	volatile long done, touched, faults, garbage, registered, executable;
	volatile unsigned long word;
} *report;

static volatile int device;
static int pipes[2];
static __thread sigjmp_buf again;
static __thread struct tap_random random_state;
static volatile bool stop;

static unsigned long any(unsigned long below)
{
	return tap_random(&random_state, below);
}

static void caught(int signal)
{
	siglongjmp(again, signal);
}

static char *place(void)
{
	return ARENA + any(ARENAS) * 2 * BYTES + any(PAGES) * 4096;
}

static unsigned long length(void)
{
	return 4096 * (1 + any(any(4) ? 4 : PAGES));
}

static void look(unsigned long word)
{
	if (word && (word & ~0xffffUL) != MAGIC) {
		report->garbage++;
		report->word = word;
	}
	report->touched++;
}

static void touch(void)
{
	volatile unsigned long *at = (void *)(place() + 8 * any(512));

	if (sigsetjmp(again, 1)) {
		report->faults++;
		return;
	}
	look(*at);
	if (any(2))
		*at = MAGIC | any(1 << 16);
	look(*at);
}

/* By system calls: the kernel touches it. */
static void touch_by_kernel(void)
{
	char *at = place() + 8 * any(511);
	unsigned long words[2] = { MAGIC | 1, MAGIC | 2 };
	struct iovec own = { words, 8 }, its = { at, 8 };

	switch (any(6)) {
	case 0:
		if (write(pipes[1], at, 8) == 8 && read(pipes[0], words, 8) == 8)
			look(words[0]);
		break;
	case 1:
		if (write(pipes[1], words, 8) == 8 && read(pipes[0], at, 8) != 8)
			(void)!read(pipes[0], words, 8);
		break;
	case 2:		/* ciphertext, if anything */
		process_vm_readv(getpid(), &own, 1, &its, 1, 0);
		break;
	case 3:
		process_vm_writev(getpid(), &own, 1, &its, 1, 0);
		break;
	case 4:
		(void)!vmsplice(pipes[1], &its, 1, SPLICE_F_NONBLOCK);
		break;
	default:
		syscall(SYS_futex, at, 1 /* wake */, 1, NULL, NULL, 0);
	}
}

static void map(void)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
	char *at = place();
	unsigned char seen[PAGES];

	switch (any(16)) {
	case 0:
		munmap(at, length());
		break;
	case 1:
	case 2:
		mmap(at, length(), prots[any(5)], MAP_SHARED | MAP_FIXED | (any(2) ? MAP_POPULATE : 0), device, 0);
		break;
	case 3:
		mprotect(at, length(), prots[any(5)]);
		break;
	case 4:
		report->executable += mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
		break;
	case 5:
		mremap(at, any(8) ? length() : 0, length(), MREMAP_MAYMOVE | MREMAP_FIXED | (any(4) ? 0 : MREMAP_DONTUNMAP), place());
		break;
	case 6:
		mremap(at, length(), length(), 0);
		break;
	case 7:
		mincore(at, BYTES / 2, seen);
		msync(at, length(), any(2) ? MS_SYNC : MS_ASYNC | MS_INVALIDATE);
		break;
	case 8:
		syscall(SYS_remap_file_pages, at, length(), 0, any(PAGES), 0);
		break;
	default:	/* what the others took away */
		mmap(at, 16 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device, 0);
	}
}

static void advise(void)
{
	static const int advices[] = { 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 102, 103 };
	struct iovec its = { place(), length() };
	void *pages[2] = { place(), place() };
	int nodes[2] = {}, status[2], fd;
	unsigned long mask = 1;

	switch (any(7)) {
	case 0:
	case 1:
		madvise(its.iov_base, its.iov_len, advices[any(sizeof(advices) / sizeof(*advices))]);
		break;
	case 2:
		fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
		syscall(SYS_process_madvise, fd, &its, 1, any(2) ? MADV_COLD : MADV_PAGEOUT, 0);
		close(fd);
		break;
	case 3:
		if (any(2))
			mlock(its.iov_base, its.iov_len);
		else
			mlock2(its.iov_base, its.iov_len, 1);
		if (any(2))
			munlock(its.iov_base, its.iov_len);
		break;
	case 4:
		syscall(SYS_move_pages, 0, 2UL, pages, nodes, status, 2);
		break;
	case 5:
		syscall(SYS_mbind, its.iov_base, its.iov_len, any(4), &mask, 2UL, any(8));
		break;
	default:
		syscall(SYS_set_mempolicy, any(4), &mask, 2UL);
	}
}

static void watch_faults(void)
{
	struct uffdio_register r = { .range = { (unsigned long)place(), 4096 }, .mode = 1UL << any(3) };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return;
	ioctl(fd, UFFDIO_API, &api);
	report->registered += ioctl(fd, UFFDIO_REGISTER, &r) == 0;
	close(fd);
}

static void device_calls(void)
{
	struct cryptmem_discard discard = { .size = sizeof(discard), .addr = (unsigned long)place(), .len = length() };
	struct cryptmem_config config = { .size = sizeof(config), .window = 8 + (unsigned int)any(any(8) ? 4 : 60) };
	struct cryptmem_status status = { .size = sizeof(status) };
	int old, fd;

	switch (any(6)) {
	case 0:
	case 1:
		ioctl(device, CRYPTMEM_IOC_DISCARD, &discard);
		break;
	case 2:
		ioctl(device, CRYPTMEM_IOC_CONFIG, &config);
		break;
	case 3:
		ioctl(device, CRYPTMEM_IOC_STATUS, &status);
		break;
	case 4:
		(void)!sendfile(pipes[1], device, NULL, 4096);
		(void)!splice(device, NULL, pipes[1], NULL, 4096, SPLICE_F_NONBLOCK);
		break;
	default:
		/* In somebody's hands it may be closed at any moment, too. */
		fd = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
		old = device;
		if (fd >= 0) {
			device = fd;
			close(old);
		}
	}
}

/* A child that touches what it got, maybe while it is traced, maybe until it becomes another program. */
static void children(void)
{
	bool traced = any(2);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 20; i++)
			touch();
		if (any(3) == 0)
			execl("/bin/true", "true", (char *)NULL);
		_exit(0);
	}
	if (pid < 0)
		return;
	if (traced && ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0) {
		if (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
			char *at = place();

			/* Nothing but ciphertext: of no meaning, so not looked at. */
			ptrace(PTRACE_PEEKDATA, pid, at, NULL);
			if (any(4) == 0)
				ptrace(PTRACE_POKEDATA, pid, at, MAGIC);
			if (any(4) == 0)
				ptrace(PTRACE_POKEDATA, pid, &status, 1UL);
			if (any(3) == 0)
				kill(pid, SIGKILL);
			ptrace(PTRACE_DETACH, pid, NULL, NULL);
			/* If it stopped for another signal than that of the attachment. */
			kill(pid, SIGCONT);
		}
	}
	if (any(2)) {
		usleep((unsigned int)any(3000));
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
}

static void *race(void *seed)
{
	random_state.state = (unsigned long)seed;
	while (!stop) {
		unsigned long what = any(100);

		if (what < 40)
			touch();
		else if (what < 55)
			touch_by_kernel();
		else if (what < 75)
			map();
		else if (what < 85)
			advise();
		else if (what < 87)
			watch_faults();
		else if (what < 99)
			device_calls();
		else
			children();
		report->done++;
	}
	return NULL;
}

static void go(unsigned long seed, unsigned int seconds)
{
	pthread_t threads[THREADS];

	become_nobody();
	signal(SIGBUS, caught);
	signal(SIGSEGV, caught);
	signal(SIGPIPE, SIG_IGN);
	device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0 || pipe2(pipes, O_NONBLOCK | O_CLOEXEC))
		_exit(2);
	for (unsigned long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, race, (void *)(seed * THREADS + i)))
			_exit(2);
	sleep(seconds);
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) : (unsigned long)time(NULL);
	unsigned int seconds = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 15;
	long domains, regions;
	char text[200];
	bool good;
	pid_t pid;

	tap_note("seed %lu", seed);
	victim_setup();
	report = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	domains = module_total("domains");
	regions = module_total("regions");
	bystander_start();
	pid = fork();
	if (pid == 0)
		go(seed, seconds);
	good = ends_well(pid, (int)seconds + 150);
	ok(good, "%ld calls and touches in %d threads: all of them come back", report->done, THREADS);
	ok(report->touched > 2 * report->faults && !report->garbage, "%ld words looked at (%ld faults): %ld neither zero nor its own (%#lx)", report->touched,
	   report->faults, report->garbage, report->word);
	ok(!report->registered, "userfaultfd: no region can be registered");
	ok(!report->executable, "no region became executable");
	ok(bystander_end(text, sizeof(text)), "another owner goes on meanwhile: %s", text);
	for (int i = 0; i < 500 && (module_total("domains") > domains || module_total("regions") > regions); i++)
		usleep(10000);
	ok(module_total("domains") <= domains && module_total("regions") <= regions, "in the end all is given back (%ld domains, %ld regions)",
	   module_total("domains"), module_total("regions"));
	return tap_done();
}
