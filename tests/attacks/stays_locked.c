// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: a process that somebody outside has changed is sealed until it exits, not only until it has given its last region back: the next one that it
 * makes would be at the mercy of who steers it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <elf.h>

#include "../unit/tap.h"
#include "victim.h"

enum { UNTOUCHED, WRITTEN, REGISTERS };		/* what the attacker does */
enum { ITSELF, CHILD };		/* who makes the second region */

static const char *const deeds[] = { "untouched", "written to", "its registers set" };
static volatile int word;
static sigjmp_buf refused;

static void on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(refused, 1);
}

/* Of a region that is made anew, and gone afterwards: 1: it can be used, 2: it cannot. */
static int try_region(void)
{
	volatile int answer = 2;
	int fd;
	char *page = victim_region(1, &fd);

	if (sigsetjmp(refused, 1) == 0) {
		victim_make_secret(page);
		answer = 1;
	}
	munmap(page, 4096);
	close(fd);
	return answer;
}

static _Noreturn void victim(int who)
{
	char *page = victim_region(1, NULL);
	int status;
	pid_t pid;

	signal(SIGBUS, on_sigbus);
	victim_make_secret(page);
	shared->ready = 1;
	while (!shared->command)
		usleep(1000);
	if (who == CHILD) {
		/* It has its parent's region, too. */
		pid = fork();
		if (pid) {
			waitpid(pid, &status, 0);
			_exit(0);
		}
	}
	munmap(page, 4096);
	/* What made the process known is on its way out. */
	usleep(100000);
	shared->ready = 1 + try_region();
	_exit(0);
}

static bool set_registers(pid_t pid)
{
	struct user_regs_struct registers;
	struct iovec all = { &registers, sizeof(registers) };
	bool set;
	int status;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, &status, 0) != pid)
		return false;
	set = !ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) && !ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all);
	return !ptrace(PTRACE_DETACH, pid, 0, 0) && set;
}

static bool write_word(pid_t pid)
{
	int one = 1;
	struct iovec local = { &one, sizeof(one) }, remote = { (void *)&word, sizeof(one) };

	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == sizeof(one);
}

/* What try_region() says there. 0: it never got so far. */
static int second_region(int deed, int who)
{
	bool done;
	int answer = 0;
	pid_t pid;

	shared->ready = 0;
	pid = fork();
	if (pid == 0)
		victim(who);
	victim_wait(&shared->ready);
	done = deed == WRITTEN ? write_word(pid) : deed == REGISTERS ? set_registers(pid) : true;
	shared->ready = 0;
	shared->command = 1;
	if (victim_wait(&shared->ready))
		answer = shared->ready - 1;
	victim_end(pid);
	if (!done)
		tap_note("what was to be done to it could not be");
	return done ? answer : 0;
}

int main(void)
{
	victim_setup();
	for (int who = ITSELF; who <= CHILD; who++) {
		ok(second_region(UNTOUCHED, who) == 1, "control: a process that gives its region back may have another%s",
		   who == CHILD ? ", and so may a child of it" : "");
		for (int deed = WRITTEN; deed <= REGISTERS; deed++)
			ok(second_region(deed, who) == 2, "%s: what is in another one can no more be used than in the first%s", deeds[deed],
			   who == CHILD ? ", by a child neither" : "");
	}
	return tap_done();
}
