// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "ops.h"

#define RW (PROT_READ | PROT_WRITE)
/* It may be kept to some of these. */
#define CPUS	8

/* A child must end with 0; what it found is in the report already. */
static void await(struct world *w, pid_t pid)
{
	int status;

	expect(w, pid > 0, "no child: %m");
	while (waitpid(pid, &status, __WALL) != pid)
		expect(w, errno == EINTR, "waitpid: %m");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		_exit(1);
	expect(w, status == 0, "the child's status is %#x", status);
}

/* The child goes on by itself with what it has; nothing of that is seen here. */
static void op_fork(struct world *w)
{
	unsigned long seed = model_any(w, 1UL << 32);
	pid_t pid;
	void *at;

	if (w->depth > 1)
		return;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		w->depth++;
		w->random.state = seed;
		model_forked(w);
		at = mmap(NULL, PAGE, RW, MAP_SHARED, w->device, 0);
		expect(w, at == MAP_FAILED && errno == EPERM, "the parent's descriptor works: %m");
		ops_open_device(w);
		/* Pipes and files are shared with the parent, which waits. */
		if (model_any(w, 2))
			model_check_all(w);
		ops_run(w, 1 + model_any(w, 30));
		model_check_all(w);
		_exit(0);
	}
	await(w, pid);
	if (!model_any(w, 4))
		model_check_all(w);
}

static void op_vfork(struct world *w)
{
	bool exec = !model_any(w, 3);
	pid_t pid = vfork();

	if (pid == 0) {
		if (exec)
			execl("/proc/self/exe", "syscalls", "--nothing", NULL);
		_exit(exec ? 3 : 0);
	}
	await(w, pid);
}

static void op_exec(struct world *w)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/proc/self/exe", "syscalls", "--nothing", NULL);
		_exit(3);
	}
	await(w, pid);
}

static void *look(void *arg)
{
	struct world *w = arg;

	for (size_t i = 0; i < PAGES; i += 3)
		if (w->page[i].mapped && w->page[i].prot & PROT_READ)
			model_check(w, i);
	return NULL;
}

static void op_thread(struct world *w)
{
	pthread_t thread[3];

	for (int i = 0; i < 3; i++)
		expect(w, !pthread_create(&thread[i], NULL, look, w), "no thread");
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

static int look_and_end(void *arg)
{
	look(arg);
	_exit(0);
}

/* A process of its own, in the same memory; it has no other thread's registers. */
static void op_clone(struct world *w)
{
	static char stack[256 << 10] __attribute__((aligned(16)));

	await(w, clone(look_and_end, stack + sizeof(stack), CLONE_VM | SIGCHLD, w));
}

static volatile unsigned long handled;

static void handler(int number)
{
	(void)number;
	handled++;
}

/* Its frame is on a stack that is in a region. Of what is in those pages afterwards nothing is known but that it stays. */
static void op_signal(struct world *w)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESTART };
	stack_t stack = { .ss_size = 5 * PAGE };
	unsigned long before = handled;
	size_t n, first;

	if (!model_usable(w, RW, 5, &first, &n) || n < 5)
		return;
	stack.ss_sp = model_at(first);
	expect(w, !sigaltstack(&stack, NULL) && !sigaction(SIGUSR1, &action, NULL), "sigaltstack: %m");
	for (unsigned long i = model_any(w, 4); i < 4; i++)
		raise(SIGUSR1);
	expect(w, handled > before, "no signal was handled");
	stack.ss_flags = SS_DISABLE;
	expect(w, !sigaltstack(&stack, NULL), "sigaltstack: %m");
	for (size_t i = first; i < first + n; i++)
		expect(w, !guarded_copy(model_shadow(i), model_at(i), PAGE), "page %zu cannot be read", i);
}

/* An interval timer: every system call may be interrupted, some not begun again. */
static void op_timer(struct world *w)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval often = { .it_value.tv_usec = 700, .it_interval.tv_usec = 700 }, never = { 0 };
	size_t n, first;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	first = model_range(w, 30, &n);
	for (size_t i = first; i < first + n; i++)
		model_check(w, i);
	setitimer(ITIMER_REAL, &never, NULL);
}

/* Root's ways in from another process. Each must fail, or give what is not the contents. */
static void look_from_outside(struct world *w, pid_t victim, size_t page)
{
	unsigned char got[PAGE];
	struct iovec mine = { got, sizeof(got) }, theirs = { model_at(page), sizeof(got) };
	char path[64];
	int fd;

	expect(w, process_vm_readv(victim, &mine, 1, &theirs, 1, 0) < 0, "process_vm_readv() works");
	expect(w, process_vm_writev(victim, &mine, 1, &theirs, 1, 0) < 0, "process_vm_writev() works");
	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (pread(fd, got, sizeof(got), (off_t)model_at(page)) > 0)
		expect(w, !model_leaked(page, got, sizeof(got)), "%s has page %zu", path, page);
	expect(w, pwrite(fd, got, sizeof(got), (off_t)model_at(page)) <= 0, "%s writes to page %zu", path, page);
	close(fd);
}

static void trace(struct world *w, pid_t victim, size_t page)
{
	bool seize = model_any(w, 2);
	unsigned char got[8];
	long word;

	if (ptrace(seize ? PTRACE_SEIZE : PTRACE_ATTACH, victim, 0, 0))
		return;
	if (seize)
		ptrace(PTRACE_INTERRUPT, victim, 0, 0);
	waitpid(victim, NULL, __WALL);
	for (int i = 0; i < 4; i++) {
		size_t at = 8 * model_any(w, PAGE / 8);

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, victim, model_at(page) + at, 0);
		memcpy(got, &word, 8);
		expect(w, errno || memcmp(got, model_shadow(page) + at, 8) || !word, "a debugger reads page %zu", page);
		expect(w, ptrace(PTRACE_POKEDATA, victim, model_at(page) + at, word), "a debugger writes to page %zu", page);
	}
	look_from_outside(w, victim, page);
	if (model_any(w, 2)) {
		ptrace(PTRACE_CONT, victim, 0, 0);
		usleep(2000);
		look_from_outside(w, victim, page);
		/* Let go by dying. */
		if (model_any(w, 2) && seize)
			_exit(0);
		ptrace(PTRACE_INTERRUPT, victim, 0, 0);
		kill(victim, SIGCONT);
		waitpid(victim, NULL, __WALL | WNOHANG);
	}
	ptrace(PTRACE_DETACH, victim, 0, 0);
}

/* The child looks; this process works, when it is let, and waits for it. */
static void op_outsider(struct world *w)
{
	unsigned long seed = model_any(w, 1UL << 32);
	bool traces = model_any(w, 2);
	pid_t victim = getpid(), pid;
	size_t n, first;

	if (!model_usable(w, PROT_READ, 4, &first, &n))
		return;
	pid = fork();
	if (pid == 0) {
		w->random.state = seed;
		/* Of its own it needs none. */
		munmap(ARENA, PAGES * PAGE);
		if (traces)
			trace(w, victim, first);
		else
			look_from_outside(w, victim, first);
		_exit(0);
	}
	for (size_t i = first; i < first + n; i++)
		model_check(w, i);
	await(w, pid);
}

static void op_yield(struct world *w)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	/* As many draws whatever the machine has; the kernel takes no notice of those that it lacks, and refuses a set of nothing else. */
	for (size_t i = 0; i < CPUS; i++)
		if (model_any(w, 3))
			CPU_SET(i, &set);
	sched_setaffinity(0, sizeof(set), &set);
	if (model_any(w, 2))
		sched_yield();
	else
		usleep((unsigned int)model_any(w, 3000));
}

const struct op ops_tasks[] = {
	{ "fork", 10, op_fork },
	{ "vfork", 2, op_vfork },
	{ "exec", 1, op_exec },
	{ "threads", 3, op_thread },
	{ "clone", 3, op_clone },
	{ "signal", 8, op_signal },
	{ "timer", 3, op_timer },
	{ "outsider", 6, op_outsider },
	{ "yield", 15, op_yield },
	{ NULL, 0, NULL },
};
