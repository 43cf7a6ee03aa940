// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3, nothing is lost: a process whose signals are handled on a stack in a region survives a debugger, whenever the signal comes. What the
 * kernel writes there and reads back meanwhile is no way to the contents.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/machine.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"

#define PAGES	8UL
/* The frame begins on one page and ends on another: a touch of one does not bring the other in. */
#define TOP	(2 * 4096UL + 512)
#define STORM	150

static char *stack;
static bool ring;	/* the process has an io_uring */
static bool calls;	/* it makes system calls that do not exist: their result is what one has that is under way */

/* Touches its stack. */
static void handler(int signal)
{
	volatile int local = signal;

	(void)local;
	shared->others++;
}

/* As the C library's, but it waits for a word first, and touches no stack meanwhile. */
void restorer(void);
__asm__(".pushsection .text\n"
	"restorer:\n\t"
#ifdef __x86_64__
	"mov shared(%rip), %rcx\n\t"
	"movl $1, 4(%rcx)\n"		/* ->command: here I am */
	"1: cmpl $1, 4(%rcx)\n\t"
	"je 1b\n\t"
	"mov $15, %eax\n\t"
	"syscall\n"
#else
	"adrp x1, shared\n\t"
	"ldr x1, [x1, #:lo12:shared]\n\t"
	"mov w2, #1\n\t"
	"str w2, [x1, #4]\n"
	"1: ldr w2, [x1, #4]\n\t"
	"cmp w2, #1\n\t"
	"b.eq 1b\n\t"
	"mov x8, #139\n\t"
	"svc #0\n"
#endif
	".popsection");
_Static_assert(offsetof(struct shared, command) == 4, "see restorer()");

/* The C library puts its own restorer in. */
static void handle(int signal, void (*restore)(void))
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} action = { handler, SA_ONSTACK | 0x04000000 /* SA_RESTORER */, restore, 0 };

	if (syscall(SYS_rt_sigaction, signal, &action, NULL, 8L))
		_exit(3);
}

/* Counts, and has a secret in a vector register all the time, which goes into each frame. */
static void work(void)
{
	char secret[SECRET_LEN];

	victim_make_secret(secret);
	machine_load_vector(secret);
	explicit_bzero(secret, sizeof(secret));
	shared->ready = 1;
	for (;;) {
		machine_count(&shared->rounds);
		if (calls)
			syscall(9999);
	}
}

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		stack_t alternate = { .ss_size = TOP };
		struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
		struct io_uring_params params = { 0 };

		/* There may be none. */
		if (ring)
			syscall(SYS_io_uring_setup, 4, &params);
		stack = victim_region(PAGES, NULL);
		alternate.ss_sp = stack;
		if (sigaltstack(&alternate, NULL) || sigaction(SIGUSR1, &action, NULL))
			_exit(3);
		handle(SIGUSR2, restorer);
		memcpy((void *)shared->loot, &stack, sizeof(stack));
		work();
	}
	if (!victim_wait(&shared->ready))
		exit(2);
	memcpy(&stack, (void *)shared->loot, sizeof(stack));
	return pid;
}

static bool stopped(pid_t pid, int *signal)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return false;
	*signal = WSTOPSIG(status);
	return true;
}

static bool stop(pid_t pid)
{
	int signal;

	return !ptrace(PTRACE_INTERRUPT, pid, 0, 0) && stopped(pid, &signal);
}

static bool secret_is_in(pid_t pid)
{
	char path[64], secret[SECRET_LEN], *seen = malloc(PAGES * 4096);
	bool found;
	int fd;

	victim_make_secret(secret);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	found = fd < 0 || pread(fd, seen, PAGES * 4096, (off_t)stack) != PAGES * 4096 ||
		memmem(seen, PAGES * 4096, secret, SECRET_LEN);
	close(fd);
	free(seen);
	return found;
}

/* Is it still there? */
static bool lives(pid_t pid)
{
	return victim_goes_on(&shared->rounds) && waitpid(pid, NULL, WNOHANG | __WALL) == 0;
}

/* A signal that comes while a debugger lets it run. */
static void signal_under_tracer(void)
{
	pid_t pid = start();
	int signal = 0;

	kill(pid, SIGUSR1);
	for (int i = 0; i < 10000 && shared->others != 1; i++)
		usleep(1000);
	ok(victim_goes_on(&shared->rounds) && shared->others == 1, "control: untraced, a signal is handled");
	ok(!ptrace(PTRACE_SEIZE, pid, 0, 0) && stop(pid) && !ptrace(PTRACE_CONT, pid, 0, 0) && lives(pid),
	   "control: it runs under a debugger as long as it touches no region");
	kill(pid, SIGUSR1);
	ok(stopped(pid, &signal) && signal == SIGUSR1 && !ptrace(PTRACE_CONT, pid, 0, SIGUSR1) && victim_stands_still(&shared->rounds) &&
		   waitpid(pid, NULL, WNOHANG | __WALL) == 0,
	   "a signal is let through: it parks where the handler touches its stack");
	ok(!secret_is_in(pid), "the frame is not to be read: it has registers");
	ok(stop(pid) && !ptrace(PTRACE_DETACH, pid, 0, 0) && lives(pid) && shared->others == 2, "detached, it handles it and goes on");
	victim_end(pid);
}

/* A debugger that comes between the handler's end and the return from the signal. */
static void return_under_tracer(void)
{
	pid_t pid = start();

	kill(pid, SIGUSR2);
	ok(victim_wait(&shared->command) && shared->others == 1, "control: it is about to return from a signal");
	ok(!ptrace(PTRACE_SEIZE, pid, 0, 0) && stop(pid) && !ptrace(PTRACE_CONT, pid, 0, 0), "a debugger stops it there, and lets it go on");
	shared->command = 2;
	ok(lives(pid), "it returns from the signal, and goes on");
	ok(!secret_is_in(pid), "the frame is not to be read");
	ok(stop(pid) && !ptrace(PTRACE_DETACH, pid, 0, 0) && lives(pid), "detached, it goes on");
	victim_end(pid);
}

/* Any moment. */
static void storm(void)
{
	pid_t pid = start();
	int signal, lost = 0, traced = 0;
	unsigned int seed = 1;

	for (int i = 0; i < STORM && !lost; i++) {
		kill(pid, SIGUSR1);
		usleep(rand_r(&seed) % 2000);
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) || !stop(pid) || ptrace(PTRACE_CONT, pid, 0, 0)) {
			lost++;
			break;
		}
		kill(pid, SIGUSR1);
		usleep(rand_r(&seed) % 2000);
		/* What stops it now is the signal or we. */
		if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) || !stopped(pid, &signal) ||
		    ptrace(PTRACE_DETACH, pid, 0, signal == SIGUSR1 ? signal : 0))
			lost++;
		traced++;
	}
	ok(!lost && traced == STORM && lives(pid) && shared->others > 10, "%d times traced while signals come: nothing is lost", STORM);
	victim_end(pid);
}

/* Touches its stack no more. */
static void *thread(void *unused)
{
	shared->tid = (int)syscall(SYS_gettid);
	shared->ready = 1;
	for (;;)
		machine_count(&shared->rounds);
	return unused;
}

/* How often, of a hundred looks, a thread is seen that waits for nothing. */
static int busy(pid_t pid, pid_t tid)
{
	char path[64], line[512];
	int seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	for (int i = 0; i < 100; i++) {
		const char *state;

		usleep(5000);
		victim_get(path, line, sizeof(line));
		state = strrchr(line, ')');
		seen += state && state[1] && state[2] == 'R';
	}
	return seen;
}

/*
 * The C library has a thread's rseq area on its stack. The kernel minds it whenever the thread has work to do on its way to user mode, and
 * sealing the area again is such work.
 */
static void rseq_area(void)
{
	pid_t pid = fork();
	int seen, tries = 0;
	long before;

	if (pid == 0) {
		pthread_attr_t attr;
		pthread_t other;

		pthread_attr_init(&attr);
		if (pthread_attr_setstack(&attr, victim_region(64, NULL), 64 * 4096UL) || pthread_create(&other, &attr, thread, NULL))
			_exit(3);
		for (;;)
			pause();
	}
	ok(victim_wait(&shared->ready) && victim_goes_on(&shared->rounds) && busy(pid, shared->tid) > 50, "control: a thread with its stack in a region is busy");
	ok(!ptrace(PTRACE_SEIZE, shared->tid, 0, 0) && stop(shared->tid) && !ptrace(PTRACE_CONT, shared->tid, 0, 0), "a debugger stops it, and lets it go on");
	usleep(100000);
	before = shared->rounds;
	/* On a machine that is slow, it takes its time. */
	do
		seen = busy(pid, shared->tid);
	while (shared->rounds == before && seen >= 50 && tries++ < 20);
	ok(shared->rounds > before || seen < 50, "it goes on, or waits");
	tap_note("seen busy: %d of 100 times", seen);
	ok(stop(shared->tid) && !ptrace(PTRACE_DETACH, shared->tid, 0, 0) && lives(pid), "detached, it goes on");
	victim_end(pid);
}

/* ->others: signals handled; ->wrong: rounds of who handles them; ->rounds, ->tid: of the other one. */
static void handle_beside_other(void)
{
	stack_t alternate = { .ss_sp = victim_region(PAGES, NULL), .ss_size = TOP };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	sigset_t usr1;
	pthread_t other;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	if (pthread_sigmask(SIG_BLOCK, &usr1, NULL) || pthread_create(&other, NULL, thread, NULL) || sigaltstack(&alternate, NULL) ||
	    sigaction(SIGUSR1, &action, NULL) || pthread_sigmask(SIG_UNBLOCK, &usr1, NULL))
		_exit(3);
	for (;;)
		machine_count(&shared->wrong);
}

/* A frame is on two pages, which have to be there at once; and somebody else has something to do on the way to user mode whenever one comes. */
static void beside_other(void)
{
	pid_t pid = fork();
	int seen, tries = 0;

	if (pid == 0)
		handle_beside_other();
	if (!victim_wait(&shared->ready) || !victim_goes_on(&shared->wrong))
		exit(2);
	kill(pid, SIGUSR1);
	for (int i = 0; i < 10000 && shared->others != 1; i++)
		usleep(1000);
	ok(shared->others == 1 && victim_goes_on(&shared->wrong), "control: untraced, a signal is handled beside a busy thread");
	ok(!ptrace(PTRACE_SEIZE, shared->tid, 0, 0) && stop(shared->tid) && !ptrace(PTRACE_CONT, shared->tid, 0, 0),
	   "a debugger stops that thread, and lets it go on");
	kill(pid, SIGUSR1);
	/* It has parked where its handler touches its stack, the frame is there. */
	do
		seen = busy(pid, pid);
	while (seen >= 50 && tries++ < 10);
	ok(seen < 50 && shared->others == 1, "a signal comes: its frame is written, and it waits");
	tap_note("seen busy: %d of 100 times", seen);
	ok(victim_goes_on(&shared->rounds), "the other one goes on meanwhile");
	ok(stop(shared->tid) && !ptrace(PTRACE_DETACH, shared->tid, 0, 0) && victim_goes_on(&shared->wrong) && shared->others == 2,
	   "detached, it handles it and goes on");
	victim_end(pid);
}

int main(void)
{
	victim_setup();
	signal_under_tracer();
	return_under_tracer();
	storm();
	/* What a ring has to do at such moments is something else: see ../attacks/not_a_frame.c. */
	tap_note("the same with an io_uring");
	ring = true;
	signal_under_tracer();
	return_under_tracer();
	storm();
	ring = false;
	tap_note("the same with system calls that do not exist");
	calls = true;
	storm();
	rseq_area();
	beside_other();
	return tap_done();
}
