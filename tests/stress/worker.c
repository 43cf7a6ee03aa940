// SPDX-License-Identifier: GPL-2.0-only
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../unit/tap.h"

#define WORDS	512U

struct tally *tally;

/* One thread's share of a region. */
struct share {
	const struct work *work;
	unsigned long *words;	/* of its first page */
	unsigned int pages;
};

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
	for (unsigned int i = 0; i < WORDS; i++)
		if (words[i] != word_of(page, i, round)) {
			__atomic_add_fetch(&tally->wrong, 1, __ATOMIC_RELAXED);
			return;
		}
}

static void go_elsewhere(unsigned long n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(n % (unsigned long)sysconf(_SC_NPROCESSORS_CONF), &set);
	sched_setaffinity(0, sizeof(set), &set);	/* it may be offline */
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
	for (unsigned long n = 0;; n++) {
		unsigned int page = (unsigned int)tap_random(&random, touched);

		check_page(s->words + page * WORDS, page, round[page]);
		write_page(s->words + page * WORDS, page, ++round[page]);
		__atomic_add_fetch(&tally->rounds, 1, __ATOMIC_RELAXED);
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

	words = mmap(NULL, work->pages * 4096UL, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	if (device < 0 || words == MAP_FAILED || !shares) {
		__atomic_add_fetch(&tally->refused, 1, __ATOMIC_RELAXED);
		_exit(1);
	}
	close(device);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	for (unsigned int i = 0; i < threads; i++) {
		shares[i] = (struct share){ work, words + (unsigned long)i * each * WORDS, each };
		if (i && pthread_create(&thread, &small, share_work, &shares[i]))
			_exit(1);
	}
	share_work(&shares[0]);
	_exit(1);
}

pid_t worker_start(const struct work *work)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		worker_work(work);
	}
	return pid;
}

void worker_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

bool workers_go_on(long rounds)
{
	long before = tally->rounds;

	for (int i = 0; i < 6000 && tally->rounds < before + rounds; i++)
		usleep(10000);
	return tally->rounds >= before + rounds;
}
