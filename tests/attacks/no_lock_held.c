// SPDX-License-Identifier: GPL-2.0-only
/*
 * A traced process must not stop others: a system call that touches its region is not left waiting with the kernel's locks held. Here
 * it reads a directory into the region, and somebody else wants to make a directory there. Nor must one that waits because somebody watches the
 * kernel (see not_alone.c), where what it touches looks like the frame of a signal.
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

static void victim(bool looks_like_a_frame)
{
	int fd, handle = open(dir, O_RDONLY | O_DIRECTORY);
	char *page = victim_region(8, &fd);
	stack_t stack = { .ss_sp = page, .ss_size = 8 * 4096 };

	page[0] = 1;
	if (looks_like_a_frame)
		sigaltstack(&stack, NULL);
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

static void begin_call(void)
{
	shared->command = 1;
	while (shared->ready != 2)
		usleep(1000);
	usleep(200000);
}

static void under_a_tracer(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		victim(false);
	victim_wait(&shared->ready);
	ptrace(PTRACE_SEIZE, pid, 0, 0);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, &status, 0);
	ptrace(PTRACE_CONT, pid, 0, 0);
	begin_call();
	ok(!shared->tid, "a system call into a region does not finish under a tracer that has let it go on");
	ok(can_mkdir(), "and holds nobody else up");
	ok(ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid, "the tracer can stop it");
	ok(ptrace(PTRACE_DETACH, pid, 0, 0) == 0, "and detach");
	ok(victim_wait(&shared->tid) && shared->rounds > 0, "then the system call is done, as if nothing had happened");
	tap_note("getdents64: %ld", shared->rounds);
	victim_end(pid);
	rmdir("made");
}

static void under_who_watches_the_kernel(void)
{
	pid_t pid = fork();

	if (pid == 0)
		victim(true);
	victim_wait(&shared->ready);
	ok(victim_watch("copy_from_user_nofault"), "somebody watches what events read memory with");
	begin_call();
	ok(!shared->tid, "a system call onto a stack for signals does not finish meanwhile");
	ok(can_mkdir(), "and holds nobody else up");
	victim_watch(NULL);
	ok(victim_wait(&shared->tid) && shared->rounds > 0, "afterwards it is done, as if nothing had happened");
	tap_note("getdents64: %ld", shared->rounds);
	victim_end(pid);
	rmdir("made");
}

int main(void)
{
	victim_setup();
	if (!mkdtemp(dir) || chdir(dir))
		return 2;
	under_a_tracer();
#ifdef __x86_64__
	under_who_watches_the_kernel();
#else
	(void)under_who_watches_the_kernel;
#endif
	rmdir(dir);
	return tap_done();
}
