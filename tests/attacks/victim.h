/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the attacks have in common: a victim that owns a region, and a page of ordinary shared memory through which victim and
 * attacker talk. The secret is made at run time; the attacker wins when it turns up in ->loot.
 */
#ifndef VICTIM_H
#define VICTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <uapi/cryptmem.h>

#define SECRET_LEN	16

struct shared {
	volatile int ready;	/* set by the victim, see each test */
	volatile int command;	/* set by the attacker, see each test */
	volatile int tid;
	volatile long rounds;
	volatile long others;	/* rounds of a second one */
	volatile long wrong;
	volatile char loot[64];
};

extern struct shared *shared;

/* Maps ->shared; call first. */
void victim_setup(void);
/* A region of @pages pages. Its descriptor, for ioctls, if @fd is not NULL. Ends the process when there is none. */
char *victim_region(size_t pages, int *fd);
void victim_make_secret(char *secret);
bool victim_was_looted(void);
/* Forgets what was shared, ends the victim. */
void victim_end(pid_t victim);
/* Waits up to some seconds for a word to become non-zero. */
bool victim_wait(volatile int *word);
/* Has the caller's thread run on one CPU alone. Ends the process when there is no such CPU. */
void victim_run_on(int cpu);
/* Whether it is seen to go on counting. */
bool victim_goes_on(volatile long *rounds);
/* Whether it is not, for a while. One round may have been under way. */
bool victim_stands_still(volatile long *rounds);
/* Writes @value to a file of the kernel's. True when it took it. */
bool victim_set(const char *path, const char *value);
/* As uprobes are named: the file that has this code of the caller's, a colon, and where in it. False: none has. */
bool victim_place(const void *code, char *place, size_t size);
/* Has the function tracer watch some functions of the kernel, or, for NULL, none. True when it does. */
bool victim_watch(const char *functions);
/* A page that is not there: whoever reads it waits, the kernel too, until it is supplied. @fd: for the other two. Ends the process when there is none. */
void *victim_absent_page(int *fd);
/* Waits up to some seconds for somebody to wait for it. */
bool victim_page_is_awaited(int fd);
bool victim_supply_page(int fd, void *page, const void *bytes);
/* Reads a file of the kernel's, a line or so, without the newline. "" when there is none. */
void victim_get(const char *path, char *value, size_t size);
/* The number behind a name in a file of the kernel's that has a pair on each line. -1: there is none. */
long victim_field(const char *path, const char *name);
/* Where the kernel's log, as it is now, has such a text, or NULL. */
char *victim_log(const char *text);
/* The counters of the caller's domain; all ones where there are none. */
struct cryptmem_status victim_status(int fd);
/* Drops pages of a region, so that the next touch is a fault. */
void victim_discard(int fd, char *start, size_t pages);

#endif
