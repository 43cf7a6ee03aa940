// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Without the kernel module: what salloc_fallback() and the environment make of it, with the library as it is shipped. For a host that has no
 * module. What is chosen is chosen for a process's life, so each case is this program by itself, called with its name.
 */
#include <errno.h>
#include <salloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define SECRET	SALLOC_FALLBACK_SECRET
#define LOCKED	SALLOC_FALLBACK_LOCKED
#define WIPE	SALLOC_FALLBACK_WIPE
#define PAGE	4096

static struct salloc_status status(void)
{
	struct salloc_status now = { .size = sizeof(now) };

	if (salloc_status(&now))
		now.error = errno;
	return now;
}

/* Nothing was asked for, or not enough: ENOSYS, as ever. */
static bool refused(void)
{
	errno = 0;
	return !salloc(32) && errno == ENOSYS && status().protection == SALLOC_PROTECTION_NONE && status().error == ENOSYS;
}

static bool gets(unsigned int protection)
{
	struct salloc_status before = status(), after;
	char *block = salloc(32);

	if (!block)
		return false;
	memset(block, 1, 32);
	after = status();
	sfree(block);
	return before.protection == protection && before.state == SALLOC_STATE_READY && !before.error &&
	       after.protection == protection && after.state == SALLOC_STATE_PROTECTED && !after.error &&
	       after.allocated == 32 && after.mapped >= 16 * PAGE &&
	       after.used == (protection == SALLOC_PROTECTION_SECRET ? after.mapped : PAGE);
}

static bool is_secret(void)
{
	return gets(SALLOC_PROTECTION_SECRET);
}

static bool is_locked(void)
{
	return gets(SALLOC_PROTECTION_LOCKED);
}

/* A program that writes its title over its environment, as many do, has required what it has. */
static bool forgets_nothing(void)
{
	char *required = getenv("SALLOC_REQUIRE"), *said = getenv("SALLOC_FALLBACK");

	memset(required, 0, strlen(required));
	memset(said, 'x', strlen(said));
	return refused();
}

static bool asks_for_locked(void)
{
	return refused() && !salloc_fallback(LOCKED) && is_locked();
}

static bool asks_for_secret(void)
{
	return !salloc_fallback(SECRET) && is_secret();
}

static bool takes_it_back(void)
{
	return !salloc_fallback(SECRET | LOCKED) && !salloc_fallback(0) && refused();
}

static bool is_told(void)
{
	errno = 0;
	if (salloc_fallback(8) != -1 || errno != EINVAL || !refused())
		return false;
	if (salloc_fallback(LOCKED) || !is_locked())
		return false;
	errno = 0;
	/* The heap keeps its region, so it is of that kind for good. */
	return salloc_fallback(SECRET) == -1 && errno == EBUSY && salloc_fallback(0) == -1 && errno == EBUSY &&
	       salloc_fallback(LOCKED | WIPE) == -1 && errno == EBUSY && !salloc_fallback(LOCKED | SECRET) && salloc(32);
}

static bool cannot_guard(void)
{
	errno = 0;
	return !salloc_fallback(LOCKED) && salloc_guard(SALLOC_GUARD_HIDE) == -1 && errno == ENOTSUP;
}

/* What smaps says of the mapping that @address is in: whether all of @flags are among its flags. */
static bool has_flags(const void *address, const char *const *flags)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool here = false, all = false;
	char line[512];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (unsigned long)address >= from && (unsigned long)address < to;
		if (!here || strncmp(line, "VmFlags:", 8))
			continue;
		for (all = true; *flags; flags++)
			all &= strstr(line, *flags) != NULL;
	}
	if (smaps)
		fclose(smaps);
	return all;
}

static const char *const locked_flags[] = { " lo", " dd", NULL };
static const char *const wiped_flags[] = { " lo", " dd", " wf", NULL };
/* The kernel does not swap it out, whether it is called locked or not: in a child it is not. */
static const char *const secret_flags[] = { " sh", " dd", " dc", NULL };

static bool in_child(bool (*check)(char *const *blocks), char *const *blocks)
{
	pid_t pid = fork();
	int how = -1;

	if (!pid)
		_exit(!check(blocks));
	waitpid(pid, &how, 0);
	return how == 0;
}

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

static bool copies_locked(void)
{
	return copies_with(LOCKED, locked_flags);
}

static bool copies_secret(void)
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

static bool wipes_locked(void)
{
	return zeros_with(LOCKED | WIPE, wiped_flags);
}

static bool wipes_secret(void)
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

static bool guarded_locked(void)
{
	return guarded_with(LOCKED);
}

static bool guarded_secret(void)
{
	return guarded_with(SECRET);
}

/* A child without handlers: nothing there, and not its parent's. */
static bool not_shared(void)
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
	struct rlimit limit = { 0, 0 };
	char *blocks[2];

	if (salloc_fallback(flags))
		return false;
	blocks[0] = salloc(32);
	blocks[1] = salloc_guarded(32);
	if (!blocks[0] || !blocks[1])
		return false;
	strcpy(blocks[0], "mine");
	/* No privilege to go beyond it. */
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || (!getuid() && setuid(65534)))
		return false;
	return in_child(is_broken, blocks) && !strcmp(blocks[0], "mine") && status().state == SALLOC_STATE_PROTECTED;
}

static bool breaks_secret(void)
{
	return breaks_with(SECRET);
}

static bool breaks_locked(void)
{
	return breaks_with(LOCKED);
}

static bool heeds_limit(void)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	unsigned int got = 0;
	size_t i;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || (!getuid() && setuid(65534)) || salloc_fallback(LOCKED))
		return false;
	/* Nearly all of it can be had, and no more. */
	for (i = 0; i < 600; i++)
		got += salloc(2048) != NULL;
	if (status().limit != 1 << 20 || status().left != (1 << 20) - status().mapped)
		return false;
	return got >= 480 && got <= 512 && status().mapped <= 1 << 20;
}

/* It must be an error, not a SIGBUS; for whom nothing is beyond a limit it is as much as there is memory. */
static bool secret_heeds_limit(void)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	size_t got = 0, i;
	char *block;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || (!getuid() && setuid(65534)) || salloc_fallback(SECRET))
		return false;
	for (i = 0; i < 600; i++) {
		errno = 0;
		block = salloc(2048);
		if (!block && errno != EAGAIN && errno != ENOMEM)
			return false;
		if (block)
			memset(block, 1, 2048);
		got += block != NULL;
	}
	return got >= 400 && got <= 512 && status().mapped <= 1 << 20;
}

static int stack_protection;
static bool stack_good;

static bool reads_stack(char *const *blocks)
{
	return !strcmp(blocks[0], "on a stack") && has_flags(blocks[0], locked_flags);
}

static void on_stack(void *unused)
{
	char local[64] = "on a stack", *blocks[] = { local };

	(void)unused;
	stack_protection = (int)status().protection;
	stack_good = has_flags(local, locked_flags) && in_child(reads_stack, blocks);
}

static bool stack_is_locked(void)
{
	/* The stack first: what comes after it is secret all the same. */
	return !salloc_fallback(SECRET | LOCKED | WIPE) && !salloc_call(0, on_stack, NULL) && stack_good &&
	       stack_protection == SALLOC_PROTECTION_LOCKED && has_flags(salloc(32), secret_flags) &&
	       status().protection == SALLOC_PROTECTION_LOCKED;
}

static bool stack_comes_later(void)
{
	return !salloc_fallback(SECRET | LOCKED) && salloc(32) && status().protection == SALLOC_PROTECTION_SECRET &&
	       !salloc_call(0, on_stack, NULL) && stack_good && status().protection == SALLOC_PROTECTION_LOCKED;
}

static bool no_secret_stack(void)
{
	errno = 0;
	return !salloc_fallback(SECRET) && salloc_call(0, on_stack, NULL) == -1 && errno == ENOTSUP;
}

/* In memory of its own, and what is beside it stays ordinary. */
static bool protects_in_place(void)
{
	char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (salloc_fallback(LOCKED))
		return false;
	strcpy(map + PAGE, "here");
	if (has_flags(map + PAGE, locked_flags) || sprotect(map + PAGE, PAGE) || !has_flags(map + PAGE, locked_flags) ||
	    has_flags(map, locked_flags) || strcmp(map + PAGE, "here"))
		return false;
	/* Again, with what is beside it, which looks as if it were ours. */
	if (sprotect(map, 3 * PAGE) || !has_flags(map, locked_flags) || !has_flags(map + 2 * PAGE, locked_flags) || strcmp(map + PAGE, "here"))
		return false;
	errno = 0;
	if (sunprotect(map, 4 * PAGE) != -1 || errno != EINVAL)
		return false;
	if (sunprotect(map, 3 * PAGE) || has_flags(map + PAGE, locked_flags) || strcmp(map + PAGE, "here"))
		return false;
	/* What is at the address of memory that was protected once is not, till it is done again. */
	if (sprotect(map, PAGE) || munmap(map, PAGE) ||
	    mmap(map, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != map)
		return false;
	return !has_flags(map, locked_flags) && !sprotect(map, PAGE) && has_flags(map, locked_flags);
}

/* Freed memory is zero when it is handed out again, and the kernel has it back. */
static bool gives_back(void)
{
	char *block = salloc(40 * PAGE);
	size_t used;

	memset(block, 7, 40 * PAGE);
	used = status().used;
	sfree(block);
	return used >= 40 * PAGE && status().used <= PAGE && tap_is_filled(salloc(40 * PAGE), 0, 40 * PAGE);
}

static bool locked_gives_back(void)
{
	return !salloc_fallback(LOCKED) && gives_back();
}

static const struct {
	const char *name;
	bool (*run)(void);
	int secret;		/* 1: for a kernel that has memfd_secret(), -1: for one that has it not */
	const char *fallback, *require;
	const char *what;
} cases[] = {
	{ "nothing", refused, 0, NULL, NULL, "without a word: ENOSYS" },
	{ "locked", is_locked, 0, "locked", NULL, "SALLOC_FALLBACK=locked" },
	{ "secret", is_secret, 1, "secret", NULL, "SALLOC_FALLBACK=secret" },
	{ "both", is_secret, 1, "locked,secret", NULL, "the better of two" },
	{ "secret-absent", refused, -1, "secret", NULL, "SALLOC_FALLBACK=secret where that is not to be had" },
	{ "next-best", is_locked, -1, "secret,locked", NULL, "the next best" },
	{ "none", refused, 0, "none", NULL, "SALLOC_FALLBACK=none" },
	{ "empty", refused, 0, "", NULL, "SALLOC_FALLBACK without a word" },
	{ "wipe-alone", refused, 0, "wipe", NULL, "what becomes of children is no protection" },
	{ "require-kernel", refused, 0, "secret,locked", "kernel", "SALLOC_REQUIRE=kernel" },
	{ "require-secret", refused, 0, "locked", "secret", "SALLOC_REQUIRE=secret, and locked memory would do" },
	{ "require-secret-has", is_secret, 1, "locked,secret", "secret", "SALLOC_REQUIRE=secret" },
	{ "require-locked", is_locked, 0, "locked", "locked", "SALLOC_REQUIRE=locked" },
	{ "require-overwritten", forgets_nothing, 0, "locked", "kernel", "SALLOC_REQUIRE, written over since" },
	{ "require-empty", is_locked, 0, "locked", "", "SALLOC_REQUIRE without a word" },
	{ "asks", asks_for_locked, 0, NULL, NULL, "a program asks for locked memory" },
	{ "asks-secret", asks_for_secret, 1, NULL, NULL, "a program asks for secret memory" },
	{ "asks-secret-too", is_secret, 1, "secret,locked,wipe", NULL, "a program that children have nothing of" },
	{ "takes-back", takes_it_back, 0, NULL, NULL, "a program asks, and takes it back" },
	{ "is-told", is_told, 0, NULL, NULL, "EINVAL, EBUSY" },
	{ "guard", cannot_guard, 0, NULL, NULL, "salloc_guard(): ENOTSUP" },
	{ "copies-locked", copies_locked, 0, NULL, NULL, "children have copies, locked again" },
	{ "copies-secret", copies_secret, 1, NULL, NULL, "children have copies, secret again" },
	{ "wipes-locked", wipes_locked, 0, NULL, NULL, "children have zeros, locked again" },
	{ "wipes-secret", wipes_secret, 1, NULL, NULL, "children have zeros, secret again" },
	{ "guarded-locked", guarded_locked, 0, NULL, NULL, "guarded blocks, and those of children" },
	{ "guarded-secret", guarded_secret, 1, NULL, NULL, "guarded blocks of secret memory, and those of children" },
	{ "not-shared", not_shared, 1, NULL, NULL, "a child made by clone() has nothing of its parent's" },
	{ "breaks-locked", breaks_locked, 0, NULL, NULL, "a child that may lock nothing is broken" },
	{ "breaks-secret", breaks_secret, 1, NULL, NULL, "a child that there is no copy for is broken" },
	{ "limit", heeds_limit, 0, NULL, NULL, "RLIMIT_MEMLOCK" },
	{ "limit-secret", secret_heeds_limit, 1, NULL, NULL, "RLIMIT_MEMLOCK and secret memory" },
	{ "stack", stack_is_locked, 1, NULL, NULL, "stacks are locked, and their protection is told" },
	{ "stack-later", stack_comes_later, 1, NULL, NULL, "so it is when they come later" },
	{ "stack-secret", no_secret_stack, 1, NULL, NULL, "stacks cannot be secret: ENOTSUP" },
	{ "in-place", protects_in_place, 0, NULL, NULL, "sprotect() and sunprotect() of locked memory" },
	{ "gives-back", locked_gives_back, 0, NULL, NULL, "freed memory is zero, and given back" },
};

#define CASES (sizeof(cases) / sizeof(*cases))

static void set(const char *name, const char *value)
{
	if (value ? setenv(name, value, 1) : unsetenv(name))
		exit(2);
}

static int run(const char *self, const char *name)
{
	pid_t pid = fork();
	int how = -1;

	if (!pid) {
		execl(self, self, name, NULL);
		_exit(127);
	}
	waitpid(pid, &how, 0);
	return how;
}

/* @name in the environment is a word that is not known. */
static bool dies(const char *self, const char *message)
{
	char said[256] = "";
	int pipes[2];
	pid_t pid;
	int how;

	if (pipe(pipes))
		return false;
	pid = fork();
	if (!pid) {
		dup2(pipes[1], 2);
		execl(self, self, "nothing", NULL);
		_exit(127);
	}
	close(pipes[1]);
	waitpid(pid, &how, 0);
	if (read(pipes[0], said, sizeof(said) - 1) < 0)
		return false;
	close(pipes[0]);
	return WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT && !strcmp(said, message);
}

int main(int argc, char **argv)
{
	struct rlimit no_core = { 0, 0 };
	int fd = (int)syscall(SYS_memfd_secret, 0);
	bool secret = fd >= 0;

	setrlimit(RLIMIT_CORE, &no_core);
	/* A sanitizer has a handler of its own. */
	signal(SIGSEGV, SIG_DFL);
	if (secret)
		close(fd);
	for (size_t i = 0; argc > 1 && i < CASES; i++)
		if (!strcmp(argv[1], cases[i].name))
			return !cases[i].run();
	if (argc > 1)
		return 2;
	for (size_t i = 0; i < CASES; i++) {
		if (cases[i].secret && secret != (cases[i].secret > 0)) {
			ok(true, "%s # SKIP memfd_secret() %s here", cases[i].what, secret ? "can be had" : "is not there, or is turned off,");
			continue;
		}
		set("SALLOC_FALLBACK", cases[i].fallback);
		set("SALLOC_REQUIRE", cases[i].require);
		ok(run("/proc/self/exe", cases[i].name) == 0, "%s", cases[i].what);
	}
	set("SALLOC_REQUIRE", NULL);
	set("SALLOC_FALLBACK", "locked,secrets");
	ok(dies("/proc/self/exe", "libsalloc: SALLOC_FALLBACK: other words than secret, locked, wipe, none: locked,secrets\n"),
	   "a word that is not known in SALLOC_FALLBACK");
	set("SALLOC_FALLBACK", "lock");
	ok(dies("/proc/self/exe", "libsalloc: SALLOC_FALLBACK: other words than secret, locked, wipe, none: lock\n"), "one that is cut short");
	set("SALLOC_FALLBACK", "locked");
	set("SALLOC_REQUIRE", "Kernel");
	ok(dies("/proc/self/exe", "libsalloc: SALLOC_REQUIRE: none of kernel, secret, locked: Kernel\n"), "a word that is not known in SALLOC_REQUIRE");
	return tap_done();
}
