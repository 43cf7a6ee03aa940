/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests/faults has in common: the world that a process sets up before something of it fails, and the things that it then does.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define WORLD_PAGE	4096UL
#define WORLD_PAGES	12UL
/* More than this are not unsealed at the same time: the smallest there is. */
#define WORLD_WINDOW	8U

/* A region that is larger than its window, filled, and what should be in it. */
struct world {
	int device;			/* -1: not opened yet */
	unsigned char *region;		/* NULL: none yet */
	unsigned char fill[WORLD_PAGES];	/* what each page is filled with */
	bool gone[WORLD_PAGES];		/* it was unmapped: no more expected of it */
	int pipe[2];
};

/* How much is there before something fails. */
enum world_ready {
	NOTHING,
	THREADS,	/* of the process: nothing else */
	DEVICE,		/* open */
	REGION,
	COPY,		/* a region that was copied by fork(): all its pages are shared with the parent */
};

struct scenario {
	const char *name;
	enum world_ready ready;
	/* Returns 0, the errno it got, or one of those below. */
	int (*act)(struct world *w);
	/* Nobody is left to say how often allocations were asked for. The exit status is 0, or one of those below: something has failed. */
	bool ends;
	/* Two failures in a row as it allocates a new task's stack make the kernel itself complain (a WARN in alloc_vmap_area()). */
	bool forks;
	/* It may well need no memory at all. */
	bool frugal;
};

/* It was told something that is not so. */
#define WORLD_WRONG	250
/* A touch was answered by SIGBUS. */
#define WORLD_SIGBUS	251
/* How an act ends that does not return: where a system call has failed, and where the next program's loader has not got what it needs. */
#define WORLD_ENDS	1
#define WORLD_NO_LOADER	127
/* The world could not be set up. */
#define WORLD_NONE	252

extern const struct scenario scenarios[];

/* Sets up as much as is asked for. Ends the process when it cannot. For COPY it returns in the child. */
void world_set_up(struct world *w, enum world_ready ready);
/* Whether the region has what it should have, nobody else can read it, and there can be another. Tells what is wrong. */
bool world_is_right(struct world *w, char *why, size_t size);
/* Reads, or fills, a page: 0, WORLD_WRONG when it has something else, WORLD_SIGBUS. */
int world_load(struct world *w, size_t page);
int world_store(struct world *w, size_t page, unsigned char byte);
/* How a child ended: 0, WORLD_WRONG, or an errno of its own. A child may be killed: it was told so by SIGBUS or SIGKILL. */
int world_child(pid_t pid);

#endif
