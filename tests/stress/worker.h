/* SPDX-License-Identifier: GPL-2.0-only */
/* Owners at work while the machine is being ill-treated: each knows what should be in every page of its region. */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <sys/types.h>

/* What they do, all together. */
struct tally {
	volatile long started;		/* regions filled; with threads, their shares */
	volatile long rounds;		/* pages checked */
	volatile long wrong;		/* pages that had something else */
	volatile long died;		/* owners that ended, and nobody had meant them to */
	volatile long failed;		/* what else went wrong: tally_fail() */
	volatile long refused;		/* owners that found no module */
	volatile long killed;		/* owners that had SIGKILL, not from here */
	volatile long moved;		/* times that one has gone to another CPU */
	volatile long stayed;		/* times that it could not */
	volatile long swept;		/* regions, or shares, checked from end to end */
	/* What they are told */
	volatile bool rest;		/* touch nothing */
	volatile bool sweep;		/* check all pages, once, and then do nothing any more */
	volatile bool ending;		/* not looked at by owners: all of a group is being killed */
};

extern struct tally *tally;

/* Something is not as it should be, and is told. */
void tally_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How one works. */
struct work {
	unsigned int pages;	/* of its region */
	unsigned int pause_us;	/* after each page */
	bool migrates;		/* to another CPU after each page */
	bool grows;		/* touches one more page each round: for those that will run out of memory */
	unsigned int threads;	/* that share it, each with pages of its own, and begin together; 0: one */
};

/* How one may end although it was not told to, for ->died not to count it. */
enum end {
	NOT_AT_ALL = 0,
	BY_SIGKILL = 1,		/* by the OOM killer, say */
	WITHOUT_MODULE = 2,	/* there was no device */
};

/* In the calling process, for ever: until it is killed. */
void worker_work(const struct work *work) __attribute__((noreturn));
/* Starts one more; it dies with its parent. */
pid_t worker_start(const struct work *work);
/* Takes note of how a process ended, in ->died if it may not end so. */
void worker_judge(int status, unsigned int may);
/* Whether it has ended, and its end was taken. */
bool worker_ended(pid_t pid, unsigned int may);
/* Ends it, if it has not ended before: which counts, as above. */
void worker_kill(pid_t pid, unsigned int may);
/* Whether none is dead, its end taken or not. */
bool workers_live(const pid_t *pids, unsigned int n);
/*
 * Waits until they have got something in the tally that far. There is no hurry, the machine may be a slow one: false only when it takes
 * minutes, or when one of them is dead.
 */
bool workers_reach(volatile long *count, long goal, const pid_t *pids, unsigned int n);

#endif
