// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: who locks a process by changing it is named in the log, once. A write that is refused because it goes to a region changes nothing:
 * no lock, no line.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/machine.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"

#define USER	12345
#define CROWD	40

static char *page;		/* the victim's */
static long ordinary;		/* the victim's, what may be written to */

static uid_t user = USER;

/* As a user, who may trace what is his own. */
static void become(const char *name)
{
	if (setgid(user) || setuid(user))
		_exit(2);
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_NAME, name);
}

static void caught(int signal)
{
	(void)signal;
	_exit(42);
}

static void victim(void)
{
	struct cryptmem_status status = { .size = sizeof(status) };
	char secret[SECRET_LEN];
	int device;

	become("p3 victim");
	signal(SIGBUS, caught);
	page = victim_region(1, &device);
	victim_make_secret(page);
	victim_make_secret(secret);
	shared->rounds = (long)page;
	shared->ready = 1;
	for (;;) {
		if (memcmp(page, secret, SECRET_LEN))
			shared->wrong++;
		if (ioctl(device, CRYPTMEM_IOC_STATUS, &status) || status.state & CRYPTMEM_STATE_LOCKED)
			_exit(43);
		shared->others++;
		usleep(1000);
	}
}

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid == 0)
		victim();
	if (!victim_wait(&shared->ready))
		exit(2);
	page = (char *)shared->rounds;
	return pid;
}

static bool write_mem(pid_t pid, void *at)
{
	char path[64];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	written = pwrite(fd, &ordinary, sizeof(ordinary), (off_t)at) == sizeof(ordinary);
	close(fd);
	return written;
}

static bool write_vm(pid_t pid, void *at)
{
	struct iovec local = { &ordinary, sizeof(ordinary) }, remote = { at, sizeof(ordinary) };

	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == sizeof(ordinary);
}

static bool write_ptrace(pid_t pid, void *at)
{
	bool written;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, NULL, __WALL) != pid)
		return false;
	written = ptrace(PTRACE_POKEDATA, pid, at, 1L) == 0;
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return written;
}

static bool set_registers(pid_t pid, void *unused)
{
	struct user_regs_struct regs;
	bool set;

	(void)unused;
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, NULL, __WALL) != pid)
		return false;
	set = machine_get_registers(pid, &regs) && machine_set_registers(pid, &regs);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return set;
}

/* Another process does it to the victim, twice. Its pid, and how often it was done. */
static pid_t by_other(bool (*change)(pid_t pid, void *at), pid_t victim, void *at, int *done)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		become("p3 writer");
		_exit(change(victim, at) + change(victim, at));
	}
	waitpid(pid, &status, 0);
	*done = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return pid;
}

static bool gone(pid_t pid)
{
	int status;

	for (int i = 0; i < 10000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && (WEXITSTATUS(status) == 42 || WEXITSTATUS(status) == 43);
		usleep(1000);
	}
	return false;
}

static void named(const char *how, bool (*change)(pid_t pid, void *at), const char *what)
{
	pid_t pid = start(), writer;
	char line[256], *found;
	int done;

	/* Stopped, it is still there for the second change. */
	kill(pid, SIGSTOP);
	writer = by_other(change, pid, &ordinary, &done);
	kill(pid, SIGCONT);
	ok(done == 2 && gone(pid), "control: %s: it is done, and locks", how);
	snprintf(line, sizeof(line),
		 "cryptmem: p3 victim[%d]: %s by p3 writer[%d] of user %d: its memory is sealed until it exits\n", pid, what, writer, USER);
	found = victim_log(line);
	ok(found, "the log names both, and the user");
	ok(found && !strstr(found + 1, line), "once");
	victim_end(pid);
}

static void refused(const char *how, bool (*change)(pid_t pid, void *at))
{
	pid_t pid = start();
	char line[64];
	int done;

	by_other(change, pid, page, &done);
	/* It may say who watches. */
	snprintf(line, sizeof(line), "cryptmem: p3 victim[%d]: memory written", pid);
	ok(done == 0 && victim_goes_on(&shared->others) && !shared->wrong, "%s to a region: refused, and its owner goes on, not locked", how);
	ok(!victim_log(line), "and there is no line about it");
	victim_end(pid);
}

/* A user locks so many processes of its own that the log does not take a line for each. */
static int lock_crowd(void)
{
	pid_t crowd[CROWD];
	char line[64];
	int done, lines = 0;

	shared->ready = 0;
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = fork();
		if (crowd[i] == 0) {
			become("p3 crowd");
			victim_region(1, NULL);
			shared->ready = 1;
			for (;;)
				pause();
		}
		if (!victim_wait(&shared->ready))
			exit(2);
		shared->ready = 0;
	}
	for (int i = 0; i < CROWD; i++)
		by_other(write_vm, crowd[i], &ordinary, &done);
	for (int i = 0; i < CROWD; i++) {
		snprintf(line, sizeof(line), "cryptmem: p3 crowd[%d]: memory written", crowd[i]);
		lines += victim_log(line) != NULL;
		kill(crowd[i], SIGKILL);
		waitpid(crowd[i], NULL, 0);
	}
	return lines;
}

static void named_still(void)
{
	pid_t pid = start();
	char line[256];
	int lines = lock_crowd();

	ok(lines < CROWD, "control: of %d processes that one user locks at once the log names %d", CROWD, lines);
	snprintf(line, sizeof(line), "cryptmem: p3 victim[%d]: memory written by p3 root[%d] of user 0:", pid, getpid());
	prctl(PR_SET_NAME, "p3 root");
	ok(write_vm(pid, &ordinary) && victim_log(line), "it has room for somebody else, who locks one right after that");
	victim_end(pid);
}

/* Two users may share a place in the log, by chance; not each of these. */
static void named_of_others(void)
{
	int lines = lock_crowd(), named = 0, done;
	char line[64];
	pid_t pid;

	ok(lines < CROWD, "control: once more, %d of %d", lines, CROWD);
	for (int i = 1; i <= 5; i++) {
		user = USER + (uid_t)i;
		pid = start();
		by_other(write_vm, pid, &ordinary, &done);
		snprintf(line, sizeof(line), "cryptmem: p3 victim[%d]: memory written", pid);
		named += victim_log(line) != NULL;
		victim_end(pid);
	}
	user = USER;
	ok(named >= 2, "it has room for other users who lock their own");
}

int main(void)
{
	victim_setup();
	named("/proc/PID/mem", write_mem, "memory written");
	named("process_vm_writev()", write_vm, "memory written");
	named("PTRACE_POKEDATA", write_ptrace, "memory written");
	named("PTRACE_SETREGS", set_registers, "registers set");
	refused("/proc/PID/mem", write_mem);
	refused("process_vm_writev()", write_vm);
	refused("PTRACE_POKEDATA", write_ptrace);
	named_still();
	named_of_others();
	return tap_done();
}
