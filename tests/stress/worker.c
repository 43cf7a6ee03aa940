// SPDX-License-Identifier: GPL-2.0-only
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../unit/tap.h"

#define WORDS		512U
/* Seconds in which nobody can be too slow */
#define PATIENCE	300
/* What a worker says as it ends */
#define NO_DEVICE	1
#define NO_REGION	2

struct tally *tally;

void tally_fail(const char *format, ...)
{
	char text[160];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	__atomic_add_fetch(&tally->failed, 1, __ATOMIC_RELAXED);
	tap_note("%s", text);
}

/* One thread's share of a region. */
struct share {
	const struct work *work;
	unsigned long *words;	/* of its first page */
	unsigned int pages;
};

static pthread_barrier_t all_are_there;

static unsigned long word_of(unsigned int page, unsigned int i, unsigned long round)
{
	return (page * 0x9e3779b97f4a7c15UL) ^ (i * 0xbf58476d1ce4e5b9UL) ^ (round << 32);
}

static void write_page(unsigned long *words, unsigned int page, unsigned long round)
{
	for (unsigned int i = 0; i < WORDS; i++)
		words[i] = word_of(page, i, round);
}

static void check_page(const unsigned long *words, unsigned int page, unsigned long round)
{
	__atomic_add_fetch(&tally->rounds, 1, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < WORDS; i++)
		if (words[i] != word_of(page, i, round)) {
			__atomic_add_fetch(&tally->wrong, 1, __ATOMIC_RELAXED);
			return;
		}
}

/* The CPU may be offline; whether that is so, and matters, is for the tally's reader. */
static void go_elsewhere(unsigned long n)
{
	int from = sched_getcpu(), to = (int)(n % (unsigned long)sysconf(_SC_NPROCESSORS_CONF));
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(to, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		__atomic_add_fetch(&tally->stayed, 1, __ATOMIC_RELAXED);
	else if (from != to && sched_getcpu() == to)
		__atomic_add_fetch(&tally->moved, 1, __ATOMIC_RELAXED);
}

static void *share_work(void *arg)
{
	const struct share *s = arg;
	const struct work *work = s->work;
	unsigned int touched = work->grows ? 1 : s->pages;
	unsigned long *round = calloc(s->pages, sizeof(*round));
	struct tap_random random = { .state = (unsigned long)getpid() ^ (unsigned long)arg };

	for (unsigned int page = 0; page < touched; page++)
		write_page(s->words + page * WORDS, page, 0);
	__atomic_add_fetch(&tally->started, 1, __ATOMIC_RELAXED);
	/* Some hundred that work leave no time in which more could be made: each wants mmap_lock for its stack. */
	pthread_barrier_wait(&all_are_there);
	for (unsigned long n = 0;; n++) {
		unsigned int page = (unsigned int)tap_random(&random, touched);

		while (tally->rest)
			usleep(10000);
		if (tally->sweep) {
			for (unsigned int p = 0; p < touched; p++)
				check_page(s->words + p * WORDS, p, round[p]);
			__atomic_add_fetch(&tally->swept, 1, __ATOMIC_RELAXED);
			for (;;)
				pause();
		}
		check_page(s->words + page * WORDS, page, round[page]);
		write_page(s->words + page * WORDS, page, ++round[page]);
		if (work->grows && touched < s->pages) {
			round[touched] = 0;
			write_page(s->words + touched * WORDS, touched, 0);
			touched++;
		}
		if (work->migrates)
			go_elsewhere(n);
		if (work->pause_us)
			usleep(work->pause_us);
	}
	return NULL;
}

void worker_work(const struct work *work)
{
	unsigned int threads = work->threads ? work->threads : 1, each = work->pages / threads;
	int device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	struct share *shares = calloc(threads, sizeof(*shares));
	pthread_attr_t small;
	unsigned long *words;
	pthread_t thread;

	if (device < 0)
		_exit(NO_DEVICE);
	words = mmap(NULL, work->pages * 4096UL, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	if (words == MAP_FAILED || !shares)
		_exit(NO_REGION);
	close(device);
	pthread_barrier_init(&all_are_there, NULL, threads);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	for (unsigned int i = 0; i < threads; i++) {
		shares[i] = (struct share){ work, words + (unsigned long)i * each * WORDS, each };
		if (i && pthread_create(&thread, &small, share_work, &shares[i]))
			_exit(3);
	}
	share_work(&shares[0]);
	_exit(4);
}

pid_t worker_start(const struct work *work)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		worker_work(work);
	}
	if (pid < 0)
		tally_fail("fork(): %s", strerror(errno));
	return pid;
}

void worker_judge(int status, unsigned int may)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && may & BY_SIGKILL) {
		__atomic_add_fetch(&tally->killed, 1, __ATOMIC_RELAXED);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == NO_DEVICE && may & WITHOUT_MODULE) {
		__atomic_add_fetch(&tally->refused, 1, __ATOMIC_RELAXED);
	} else {
		long died = __atomic_add_fetch(&tally->died, 1, __ATOMIC_RELAXED);

		/* They may be many. */
		if (died > 5)
			return;
		if (WIFSIGNALED(status))
			tap_note("an owner was ended by signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
		else
			tap_note("an owner ended with status %d", WEXITSTATUS(status));
	}
}

bool worker_ended(pid_t pid, unsigned int may)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	worker_judge(status, may);
	return true;
}

void worker_kill(pid_t pid, unsigned int may)
{
	int status;

	if (pid <= 0 || worker_ended(pid, may))
		return;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		worker_judge(status, may);
}

/* Its end has not been taken, and is not by this. */
static bool worker_is_dead(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return pid <= 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == pid;
}

bool workers_live(const pid_t *pids, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (worker_is_dead(pids[i]))
			return false;
	return true;
}

bool workers_reach(volatile long *count, long goal, const pid_t *pids, unsigned int n)
{
	struct timespec t;
	time_t late;

	clock_gettime(CLOCK_BOOTTIME, &t);
	late = t.tv_sec + PATIENCE;
	while (*count < goal && t.tv_sec < late && workers_live(pids, n)) {
		usleep(10000);
		clock_gettime(CLOCK_BOOTTIME, &t);
	}
	return *count >= goal;
}
