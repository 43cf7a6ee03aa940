// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2: no way in but the owner's own gives plaintext, and nobody else's write arrives. The same ways do read ordinary memory: that is
 * the control.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

static char *page;		/* the victim's, protected */
static char plain[4096];	/* the victim's, ordinary */
static int device;

static void victim(void)
{
	page = victim_region(2, &device);
	shared->rounds = (long)page;
	shared->tid = device;
	victim_make_secret(page);
	victim_make_secret(plain);
	shared->ready = 1;
	for (;;) {
		char secret[SECRET_LEN];

		usleep(1000);
		victim_make_secret(secret);
		if (memcmp(page, secret, SECRET_LEN))
			shared->wrong++;
		if (shared->command == 1) {	/* the same contents, written anew */
			victim_make_secret(page);
			shared->command = 2;
		}
	}
}

static bool is_secret(const char *bytes)
{
	char secret[SECRET_LEN];

	victim_make_secret(secret);
	return memcmp(bytes, secret, SECRET_LEN) == 0;
}

static int mem(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDWR);
}

static void try_mem(pid_t pid)
{
	char got[SECRET_LEN] = "", again[SECRET_LEN] = "";
	int fd = mem(pid);

	ok(pread(fd, got, SECRET_LEN, (off_t)plain) == SECRET_LEN && is_secret(got), "control: /proc/PID/mem reads ordinary memory");
	ok(pread(fd, got, SECRET_LEN, (off_t)page) != SECRET_LEN || !is_secret(got), "/proc/PID/mem does not read a region");
	shared->command = 1;
	while (shared->command != 2)
		usleep(1000);
	usleep(50000);
	ok(pread(fd, again, SECRET_LEN, (off_t)page) != SECRET_LEN || memcmp(got, again, SECRET_LEN),
	   "the same contents written again are another ciphertext");
	ok(pwrite(fd, got, SECRET_LEN, (off_t)page) < 0, "/proc/PID/mem does not write to a region");
	close(fd);
}

static void try_vm(pid_t pid)
{
	char got[SECRET_LEN] = "";
	struct iovec local = { got, SECRET_LEN }, remote = { plain, SECRET_LEN };

	ok(process_vm_readv(pid, &local, 1, &remote, 1, 0) == SECRET_LEN && is_secret(got), "control: process_vm_readv() reads ordinary memory");
	remote.iov_base = page;
	memset(got, 0, sizeof(got));
	ok(process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 && errno == EFAULT && !is_secret(got), "process_vm_readv() of a region: EFAULT");
	ok(process_vm_writev(pid, &local, 1, &remote, 1, 0) < 0 && errno == EFAULT, "process_vm_writev() to a region: EFAULT");
}

static void try_ptrace(pid_t pid)
{
	long words[2];
	int status;

	ptrace(PTRACE_ATTACH, pid, 0, 0);
	waitpid(pid, &status, 0);
	for (int i = 0; i < 2; i++)
		words[i] = ptrace(PTRACE_PEEKDATA, pid, plain + i * sizeof(long), 0);
	ok(is_secret((char *)words), "control: PTRACE_PEEKDATA reads ordinary memory");
	for (int i = 0; i < 2; i++)
		words[i] = ptrace(PTRACE_PEEKDATA, pid, page + i * sizeof(long), 0);
	ok(!is_secret((char *)words), "PTRACE_PEEKDATA does not read a region");
	ok(ptrace(PTRACE_POKEDATA, pid, page, 0L) < 0, "PTRACE_POKEDATA does not write to a region");
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

static void try_descriptor(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int stolen = (int)syscall(SYS_pidfd_getfd, pidfd, shared->tid, 0);

	ok(stolen >= 0, "control: the victim's descriptor can be stolen");
	ok(mmap(NULL, 4096, PROT_READ, MAP_SHARED, stolen, 0) == MAP_FAILED && errno == EPERM, "but not mapped: EPERM");
	close(stolen);
	close(pidfd);
}

/* Words of a sequence: never anywhere as a whole but where they are written to. */
static unsigned int word_of(unsigned int kind, unsigned int i)
{
	return (kind + i) * 2654435761u ^ 0x5bd1e995u;
}

static void fill_words(unsigned int kind, volatile unsigned int *words)
{
	for (unsigned int i = 0; i < 1024; i++)
		words[i] = word_of(kind, i);
}

/* How often four words in a row of a sequence stand in a file. */
static int find_words(const char *path, unsigned int kind)
{
	unsigned int words[4];
	struct stat st;
	char *file, *at;
	int hits = 0, fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) || st.st_size == 0)
		return -1;
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	for (unsigned int i = 0; i < 4; i++)
		words[i] = word_of(kind, 100 + i);
	for (at = file; (at = memmem(at, (size_t)(file + st.st_size - at), words, sizeof(words))); at++)
		hits++;
	munmap(file, (size_t)st.st_size);
	return hits;
}

static void try_core(void)
{
	enum { IN_REGION = 1000000, ORDINARY = 2000000 };
	static const char *const core = "/tmp/p2.core";
	int status;
	pid_t pid;

	victim_set("/proc/sys/kernel/core_pattern", core);
	unlink(core);
	pid = fork();
	if (pid == 0) {
		fill_words(IN_REGION, (unsigned int *)victim_region(1, NULL));
		fill_words(ORDINARY, (unsigned int *)plain);
		victim_set("/proc/self/coredump_filter", "0xff");
		abort();
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WCOREDUMP(status) && find_words(core, ORDINARY) == 1, "control: a core file has what was in ordinary memory");
	ok(find_words(core, IN_REGION) == 0, "a core file, all of memory asked for, has nothing of a region");
	unlink(core);
}

int main(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t pid;

	setrlimit(RLIMIT_CORE, &unlimited);
	victim_setup();
	pid = fork();
	if (pid == 0)
		victim();
	victim_wait(&shared->ready);
	page = (char *)shared->rounds;
	try_mem(pid);
	try_vm(pid);
	try_ptrace(pid);
	try_descriptor(pid);
	usleep(100000);
	ok(!shared->wrong, "the victim's contents are intact after all that");
	victim_end(pid);
	try_core();
	return tap_done();
}
