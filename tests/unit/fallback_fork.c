// SPDX-License-Identifier: LGPL-2.1-or-later
/* What children made by fork(), and by clone(), have of what took the module's place; see fallback.h. */
#include <errno.h>
#include <salloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fallback.h"
#include "tap.h"

static const char *const wiped_flags[] = { " lo", " dd", " wf", NULL };

/* A region of its own; and of secret memory a user may have no more than some 2000 pages, with copies for children and theirs. */
#define LARGE	((size_t)5 << 18)

static char sprotected[3 * PAGE] __attribute__((aligned(PAGE)));

static const char *const *flags_now;

static bool has_copies(char *const *blocks)
{
	bool good = !strcmp(blocks[0], "small") && !strcmp(blocks[1] + LARGE - 10, "large") && !strcmp(sprotected + PAGE, "placed");

	for (int i = 0; i < 3; i++)
		good &= has_flags(blocks[i], flags_now);
	/* Its own: the parent looks whether they are. */
	strcpy(blocks[0], "child");
	strcpy(blocks[1] + LARGE - 10, "child");
	strcpy(sprotected + PAGE, "child");
	good &= status().state == SALLOC_STATE_PROTECTED && status().used < 500 * PAGE;
	sfree(blocks[0]);
	sfree(blocks[1]);
	blocks = (char *[]){ salloc(64), NULL };
	return good && blocks[0] && !sunprotect(sprotected, sizeof(sprotected)) && !strcmp(sprotected + PAGE, "child");
}

static unsigned int secret_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int count = 0;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		count += strstr(line, "/secretmem") != NULL;
	if (maps)
		fclose(maps);
	return count;
}

static bool copies_with(unsigned int flags, const char *const *vm_flags)
{
	unsigned int mappings;
	char *blocks[3];
	bool good = !salloc_fallback(flags);

	blocks[0] = salloc(32);
	blocks[1] = salloc(LARGE);
	blocks[2] = sprotected + PAGE;
	strcpy(sprotected + PAGE, "placed");
	good &= blocks[0] && blocks[1] && !sprotect(sprotected, sizeof(sprotected));
	if (!good)
		return false;
	flags_now = vm_flags;
	strcpy(blocks[0], "small");
	strcpy(blocks[1] + LARGE - 10, "large");
	for (int i = 0; i < 3; i++)
		good &= has_flags(blocks[i], vm_flags);
	mappings = secret_mappings();
	/* Twice: a fork leaves nothing behind, and takes nothing away. */
	for (int i = 0; i < 2; i++)
		good &= in_child(has_copies, blocks) && !strcmp(blocks[0], "small") && !strcmp(blocks[1] + LARGE - 10, "large") &&
			!strcmp(sprotected + PAGE, "placed");
	return good && secret_mappings() == mappings && !sunprotect(sprotected, sizeof(sprotected)) && !strcmp(sprotected + PAGE, "placed");
}

bool copies_locked(void)
{
	return copies_with(LOCKED, locked_flags);
}

bool copies_secret(void)
{
	return copies_with(SECRET, secret_flags);
}

/* A child's child, too. */
static bool has_zeros(char *const *blocks)
{
	static int generation;
	bool good = !*blocks[0] && !blocks[1][LARGE - 10] && has_flags(blocks[0], flags_now);

	good &= status().state == SALLOC_STATE_PROTECTED;
	if (!generation++) {
		strcpy(blocks[0], "child");
		good &= in_child(has_zeros, blocks) && !strcmp(blocks[0], "child");
	}
	sfree(blocks[0]);
	sfree(blocks[1]);
	return good;
}

static bool zeros_with(unsigned int flags, const char *const *vm_flags)
{
	char *blocks[2];

	if (salloc_fallback(flags))
		return false;
	blocks[0] = salloc(32);
	blocks[1] = salloc(LARGE);
	if (!blocks[0] || !blocks[1])
		return false;
	flags_now = vm_flags;
	strcpy(blocks[0], "small");
	strcpy(blocks[1] + LARGE - 10, "large");
	return in_child(has_zeros, blocks) && !strcmp(blocks[0], "small") && !strcmp(blocks[1] + LARGE - 10, "large");
}

bool wipes_locked(void)
{
	return zeros_with(LOCKED | WIPE, wiped_flags);
}

bool wipes_secret(void)
{
	return zeros_with(SECRET | WIPE, secret_flags);
}

/* What may not be written, or not be touched at all, by those that have copies. */
static bool stays_so(char *const *blocks)
{
	bool good = !strcmp(blocks[0], "read only") && !salloc_rw(blocks[0]) && !salloc_rw(blocks[1]) && !strcmp(blocks[1], "nothing");

	strcpy(blocks[1], "child");
	sfree(blocks[0]);
	sfree(blocks[1]);
	return good && status().state == SALLOC_STATE_PROTECTED;
}

static bool faults(char *const *blocks)
{
	*(volatile char *)blocks[0] = 'X';
	return true;
}

static bool is_read(char *const *blocks)
{
	*(volatile char *)blocks[0];
	return true;
}

static bool guarded_with(unsigned int flags)
{
	char *blocks[2];
	int ends[2];

	if (salloc_fallback(flags) || !(blocks[0] = salloc_guarded(100)) || !(blocks[1] = salloc_guarded(5000)))
		return false;
	strcpy(blocks[0], "read only");
	strcpy(blocks[1], "nothing");
	if (salloc_ro(blocks[0]) || salloc_noaccess(blocks[1]) || !in_child(stays_so, blocks))
		return false;
	/* Not even for reading, after it was copied; nor by a system call here. */
	errno = 0;
	return !in_child(faults, blocks) && !in_child(is_read, blocks + 1) && !pipe(ends) && write(ends[1], blocks[1], 1) == -1 &&
	       errno == EFAULT && stays_so(blocks);
}

bool guarded_locked(void)
{
	return guarded_with(LOCKED);
}

bool guarded_secret(void)
{
	return guarded_with(SECRET);
}

/* A child without handlers: nothing there, and not its parent's. */
bool not_shared(void)
{
	char *block;
	pid_t pid;
	int how;

	if (salloc_fallback(SECRET))
		return false;
	block = salloc(32);
	strcpy(block, "mine");
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		*block = 'X';
		_exit(0);
	}
	waitpid(pid, &how, 0);
	return WIFSIGNALED(how) && WTERMSIG(how) == SIGSEGV && !strcmp(block, "mine");
}

static bool is_broken(char *const *blocks)
{
	char *another;
	pid_t pid;
	int how;

	/* Nor is it to be had by asking for it; and what there is still can be used. */
	errno = 0;
	if (salloc_rw(blocks[1]) != -1 || errno != ENOMEM)
		return false;
	another = salloc(32);
	if (another)
		*another = 1;
	/* The addresses are kept, for nobody. */
	if (status().state != SALLOC_STATE_BROKEN || msync((void *)((unsigned long)blocks[0] & ~(PAGE - 1UL)), PAGE, MS_ASYNC))
		return false;
	pid = fork();
	if (!pid) {
		*(volatile char *)blocks[0];
		_exit(0);
	}
	waitpid(pid, &how, 0);
	return WIFSIGNALED(how) && WTERMSIG(how) == SIGSEGV;
}

/* There is no room for a copy: it must not be had by halves. */
static bool breaks_with(unsigned int flags)
{
	char *blocks[2];

	if (salloc_fallback(flags))
		return false;
	blocks[0] = salloc(32);
	blocks[1] = salloc_guarded(32);
	if (!blocks[0] || !blocks[1])
		return false;
	strcpy(blocks[0], "mine");
	if (!limit_to(0))
		return false;
	return in_child(is_broken, blocks) && !strcmp(blocks[0], "mine") && status().state == SALLOC_STATE_PROTECTED;
}

bool breaks_secret(void)
{
	return breaks_with(SECRET);
}

bool breaks_locked(void)
{
	return breaks_with(LOCKED);
}
