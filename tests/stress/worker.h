/* SPDX-License-Identifier: GPL-2.0-only */
/* Owners at work while the machine is being ill-treated: each knows what should be in every page of its region. */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#define WORKERS	64

/* What they do, all together. */
struct tally {
	volatile long started;		/* regions filled */
	volatile long rounds;		/* pages checked and written anew */
	volatile long wrong;		/* pages that had something else */
	volatile long refused;		/* no region: out of memory */
};

extern struct tally *tally;

/* How one works. */
struct work {
	unsigned int pages;	/* of its region */
	unsigned int pause_us;	/* after each page */
	bool migrates;		/* to another CPU after each page */
	bool grows;		/* touches one more page each round: for those that will run out of memory */
	unsigned int threads;	/* that share it, each with pages of its own; 0: one */
};

/* In the calling process, for ever: until it is killed. */
void worker_work(const struct work *work) __attribute__((noreturn));
/* Starts one more; it dies with its parent. */
pid_t worker_start(const struct work *work);
void worker_kill(pid_t pid);
/* Waits until all have done so much more, for a minute at most. */
bool workers_go_on(long rounds);

#endif
