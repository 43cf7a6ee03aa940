// SPDX-License-Identifier: GPL-2.0-only
/*
 * A traced process must not stop others: a system call that touches its region is not left waiting with the kernel's locks held. Here
 * it reads a directory into the region, and somebody else wants to make a directory there.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

static char dir[] = "/tmp/no_lock_held.XXXXXX";

static void victim(void)
{
	int fd, handle = open(dir, O_RDONLY | O_DIRECTORY);
	char *page = victim_region(1, &fd);

	page[0] = 1;
	shared->ready = 1;
	while (!shared->command)
		usleep(1000);
	victim_discard(fd, page, 1);
	shared->ready = 2;
	shared->rounds = syscall(SYS_getdents64, handle, page, 4096);
	shared->tid = 1;
	for (;;)
		pause();
}

static bool can_mkdir(void)
{
	pid_t pid = fork();
	bool done = false;

	if (pid == 0)
		_exit(mkdirat(AT_FDCWD, "made", 0700) != 0);
	for (int i = 0; i < 3000 && !done; i++) {
		done = waitpid(pid, NULL, WNOHANG) == pid;
		usleep(1000);
	}
	if (!done)
		kill(pid, SIGKILL);
	return done;
}

int main(void)
{
	int status;
	pid_t pid;

	victim_setup();
	if (!mkdtemp(dir) || chdir(dir))
		return 2;
	pid = fork();
	if (pid == 0)
		victim();
	victim_wait(&shared->ready);
	ptrace(PTRACE_SEIZE, pid, 0, 0);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, &status, 0);
	ptrace(PTRACE_CONT, pid, 0, 0);
	shared->command = 1;
	while (shared->ready != 2)
		usleep(1000);
	usleep(200000);
	ok(!shared->tid, "a system call into a region does not finish under a tracer that has let it go on");
	ok(can_mkdir(), "and holds nobody else up");
	ok(ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid, "the tracer can stop it");
	ok(ptrace(PTRACE_DETACH, pid, 0, 0) == 0, "and detach");
	ok(victim_wait(&shared->tid) && shared->rounds > 0, "then the system call is done, as if nothing had happened");
	tap_note("getdents64: %ld", shared->rounds);
	victim_end(pid);
	rmdir("made");
	rmdir(dir);
	return tap_done();
}
