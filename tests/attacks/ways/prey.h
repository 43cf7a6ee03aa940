/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ways in have in common. Each is a program, `WAY MEMORY`, run as root in a guest. It starts a victim that has its secret in that
 * kind of memory, attacks it, and says what came of it: see prey_tell(). A shell script does the same with `victim` and `judge`.
 */
#ifndef PREY_H
#define PREY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PREY_PAGES	4
#define PREY_BYTES	(PREY_PAGES * 4096)
/* So much of the secret in a row is a leak. No file, no argument and no stack but the victim's memory has it. */
#define PREY_ENOUGH	16

#define PREY_CALL	256

/* Shared by attacker and victim: a file, named by $PREY. */
struct prey {
	volatile uint64_t seed;		/* what the secret is made from; not the secret */
	volatile pid_t pid;		/* the victim */
	volatile uint64_t secret;	/* where its secret is: an address of the victim's */
	volatile uint64_t callback;	/* where its code pointer is, called in each round */
	volatile uint64_t shared;	/* the same, in memory that it shares with others */
	volatile uint64_t ordinary;	/* where it has a word of no importance */
	volatile uint64_t code;		/* where the function is that looks at the secret; what calls it follows */
	volatile uint64_t confess;	/* and one that copies the secret to ->loot: any program that can send a file has such code */
	volatile uint64_t inside;	/* and one that the first thread is in between ->command 1 and 2: mode inside */
	volatile uint64_t spare;	/* and text that nobody runs (arm64: with a system call PREY_CALL bytes on) */
	volatile uint64_t here;		/* where it has this struct */
	volatile pid_t other;		/* another task with its memory: modes clone_vm, vfork, fork */
	volatile int ready;
	volatile int command;		/* free for each way to use, with PREY_MODE of victim.c */
	volatile long rounds;		/* the secret was looked at so many times, */
	volatile long wrong;		/* and was not what it should be so many times */
	volatile int fault;		/* the signal that a look at it gave, when the victim was locked */
	volatile unsigned char loot[PREY_BYTES];	/* for injected code to put its loot */
};

extern struct prey *prey;

/* The secret, byte by byte. */
unsigned char prey_byte(uint64_t seed, size_t i);
/* Maps ->prey, made anew unless $PREY names one. Call first. */
void prey_setup(void);
/* Starts build/tests/ways/victim MEMORY MODE. False when there is no such memory here: prey_tell() has been called then. */
bool prey_start(const char *memory, const char *mode);
/* Has it go on to where ->ready is @ready, for modes that wait for ->command. */
bool prey_command(int command, int ready);
/* Where an address of the victim's code is: the file, and the place in it. */
bool prey_find_code(uint64_t address, char path[256], uint64_t *offset);
/* Whether the victim still works: goes through some rounds, with nothing wrong. */
bool prey_lives(void);
/* Waits up to some seconds for the victim's secret to have been looked at once more. */
bool prey_goes_on(void);
/* Whether it does not get any further for @ms, after the round that is under way. */
bool prey_stands(unsigned int ms);
/* Kills the victim. */
void prey_end(void);
/*
 * arm64: the kernel takes what signs an address out of what it takes for one: 48 bits of each word are left. Where such a word is one of the
 * secret, puts the rest back, so that prey_leaked() knows it.
 */
void prey_restore(uint64_t *words, size_t count);
/* Whether PREY_ENOUGH bytes of the secret in a row are in @bytes. */
bool prey_leaked(const volatile void *bytes, size_t length);
/*
 * Says what came of it, one line on stdout, and ends the program: @result, a tab, @detail.
 *	leak		the attacker has the secret
 *	ciphertext	it was given something else than the secret
 *	refused		it got an error, or the victim was locked before anything leaked
 *	parked		the victim did not go on as long as the attacker was there, and went on when it had gone
 *	unavailable	not to be tried here: @detail says why
 * For all but a leak the victim must have been found intact, or locked, afterwards: else it is
 *	broken		nothing leaked, but the victim lost something
 */
_Noreturn void prey_tell(const char *result, const char *detail, ...) __attribute__((format(printf, 2, 3)));
/* The common end: a leak if ->loot or @bytes has the secret, else @otherwise, or `broken`; ends the victim. */
_Noreturn void prey_judge(const volatile void *bytes, size_t length, const char *otherwise, const char *detail);

#endif
