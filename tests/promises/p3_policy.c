// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: what a process may ask of the guard: SIGBUS instead of parking, and registers that a debugger cannot read. The log says who watches.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

static sigjmp_buf again;

static void caught(int signal)
{
	(void)signal;
	shared->command++;
	usleep(1000);
	siglongjmp(again, 1);
}

static int configure(int fd, unsigned int flags)
{
	struct cryptmem_config config = { .size = sizeof(config), .flags = flags };

	return ioctl(fd, CRYPTMEM_IOC_CONFIG, &config) ? errno : 0;
}

static void work(const char *page)
{
	char secret[SECRET_LEN];

	victim_make_secret(secret);
	sigsetjmp(again, 1);
	for (;;) {
		if (memcmp(page, secret, SECRET_LEN))
			shared->wrong++;
		shared->rounds++;
		usleep(1000);
	}
}

/* Touches its region all the time; ->command counts the SIGBUS it gets. */
static pid_t start(unsigned int flags, bool in_child)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd;
		char *page = victim_region(1, &fd);

		signal(SIGBUS, caught);
		victim_make_secret(page);
		if (flags && configure(fd, flags))
			_exit(2);
		if (in_child) {
			pid_t child = fork();

			if (child) {
				shared->tid = child;
				shared->ready = 1;
				waitpid(child, NULL, 0);
				_exit(0);
			}
			work(page);
		}
		shared->tid = getpid();
		shared->ready = 1;
		work(page);
	}
	victim_wait(&shared->ready);
	return pid;
}

static bool goes_on(void)
{
	long rounds = shared->rounds;

	for (int i = 0; i < 5000 && shared->rounds < rounds + 3; i++)
		usleep(1000);
	return shared->rounds >= rounds + 3 && !shared->wrong;
}

static void stop(pid_t pid)
{
	ptrace(PTRACE_SEIZE, pid, 0, 0);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, NULL, __WALL);
}

static void refuses(void)
{
	pid_t pid = start(CRYPTMEM_CONFIG_REFUSE, false);
	int status = 0, i;

	ok(goes_on() && !shared->command, "control: as long as nobody watches, nothing is refused");
	ptrace(PTRACE_SEIZE, pid, 0, 0);
	/* The tracer sees the signal first. */
	for (i = 0; i < 5000 && waitpid(pid, &status, WNOHANG) != pid; i++)
		usleep(1000);
	ok(i < 5000 && WIFSTOPPED(status) && WSTOPSIG(status) == SIGBUS, "refuse: seized, its next touch is a SIGBUS");
	ptrace(PTRACE_DETACH, pid, 0, SIGBUS);
	ok(goes_on() && shared->command == 1, "refuse: detached, it handles it and goes on, nothing lost");
	victim_end(pid);
}

#ifdef __x86_64__
#define READS	6
#else
#define READS	4
#endif

/* Each request that reads registers, by its name; how many work. */
static int readable(pid_t pid, int *denied)
{
	static char room[16384];
	static const struct {
		long request;
		void *addr;
	} reads[READS] = {
#ifdef __x86_64__
		{ PTRACE_GETREGS, NULL }, { PTRACE_GETFPREGS, NULL }, { PTRACE_PEEKUSER, NULL }, { PTRACE_GETREGSET, (void *)NT_X86_XSTATE },
#else
		{ PTRACE_GETREGSET, (void *)NT_PRFPREG }, { PTRACE_GETREGSET, (void *)NT_ARM_TLS },
#endif
		{ PTRACE_GETREGSET, (void *)NT_PRSTATUS }, { PTRACE_GET_SYSCALL_INFO, (void *)sizeof(struct __ptrace_syscall_info) },
	};
	int good = 0;

	*denied = 0;
	for (size_t i = 0; i < READS; i++) {
		struct iovec iov = { room, sizeof(room) };
		void *data = reads[i].request == PTRACE_GETREGSET ? (void *)&iov : room;

		errno = 0;
		ptrace(reads[i].request, pid, reads[i].addr, data);
		good += !errno;
		*denied += errno == EPERM;
	}
	return good;
}

static void hides(void)
{
	pid_t pid = start(0, false);
	int denied;

	stop(pid);
	ok(readable(pid, &denied) == READS, "control: a debugger reads registers, by each request");
	victim_end(pid);

	pid = start(CRYPTMEM_CONFIG_HIDE, false);
	stop(pid);
	ok(readable(pid, &denied) == 0 && denied == READS, "hide: by none of them: EPERM");
	errno = 0;
	ptrace(PTRACE_PEEKDATA, pid, &again, 0);
	ok(errno == 0, "hide: ordinary memory can be looked at");
	ptrace(PTRACE_DETACH, pid, 0, 0);
	ok(goes_on(), "hide: detached, it goes on");
	victim_end(pid);

	pid = start(CRYPTMEM_CONFIG_HIDE, true);
	usleep(100000);
	stop(shared->tid);
	ok(readable(shared->tid, &denied) == 0 && denied == READS, "hide: nor of a child made by fork()");
	kill(shared->tid, SIGKILL);
	victim_end(pid);
}

static void asking(void)
{
	struct cryptmem_status status = { .size = sizeof(status) };
	char *page;
	int fd;

	page = victim_region(1, &fd);
	ok(configure(fd, CRYPTMEM_CONFIG_PARK | CRYPTMEM_CONFIG_REFUSE) == EINVAL, "park and refuse: EINVAL");
	configure(fd, CRYPTMEM_CONFIG_REFUSE | CRYPTMEM_CONFIG_HIDE);
	ioctl(fd, CRYPTMEM_IOC_STATUS, &status);
	ok((status.state & (CRYPTMEM_STATE_REFUSES | CRYPTMEM_STATE_HIDES)) == (CRYPTMEM_STATE_REFUSES | CRYPTMEM_STATE_HIDES), "what was asked for is shown");
	configure(fd, CRYPTMEM_CONFIG_PARK);
	status.size = sizeof(status);
	ioctl(fd, CRYPTMEM_IOC_STATUS, &status);
	ok((status.state & (CRYPTMEM_STATE_REFUSES | CRYPTMEM_STATE_HIDES)) == CRYPTMEM_STATE_HIDES, "refusing can be taken back, hiding cannot");
	munmap(page, 4096);
	close(fd);
}

static bool logged(const char *text)
{
	static char log[1 << 20];
	int n = klogctl(3, log, sizeof(log) - 1);

	log[n < 0 ? 0 : n] = 0;
	return strstr(log, text);
}

static void log_line(void)
{
	char text[128];
	pid_t pid;

	/* Each line that can be told apart: the comm has this test's name. */
	pid = start(0, false);
	snprintf(text, sizeof(text), "[%d]: watched by p3_policy[%d]: ", pid, getpid());
	ok(goes_on() && !logged(text), "control: nobody watches, nothing in the log");
	/* The log takes ten such lines in five seconds, and what ran before may have had them. */
	for (int tries = 0; tries < 15 && !logged(text); tries++) {
		if (tries) {
			ptrace(PTRACE_INTERRUPT, pid, 0, 0);
			waitpid(pid, NULL, __WALL);
			ptrace(PTRACE_DETACH, pid, 0, 0);
			goes_on();
		}
		stop(pid);
		ptrace(PTRACE_CONT, pid, 0, 0);
		for (int i = 0; i < 50 && !logged(text); i++)
			usleep(10000);
	}
	ok(logged(text), "the log says who watches whom");
	victim_end(pid);
}

int main(void)
{
	victim_setup();
	refuses();
	hides();
	asking();
	log_line();
	return tap_done();
}
