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

#include "fallback.h"
#include "tap.h"

struct salloc_status status(void)
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

struct mapping {
	unsigned long from, to;
	bool secret;
	const char *flags;	/* VmFlags, with a space in front of each */
};

/* As smaps says. */
static void each_mapping(void (*look)(const struct mapping *mapping, void *arg), void *arg)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	struct mapping mapping = { 0 };
	unsigned long from, to;
	char line[512];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			mapping = (struct mapping){ from, to, strstr(line, "/secretmem"), NULL };
		if (strncmp(line, "VmFlags:", 8))
			continue;
		mapping.flags = line + 8;
		look(&mapping, arg);
	}
	if (smaps)
		fclose(smaps);
}

struct wanted {
	unsigned long address;
	const char *const *flags;
	bool all;
};

static void look_for(const struct mapping *mapping, void *arg)
{
	struct wanted *wanted = arg;

	if (wanted->address < mapping->from || wanted->address >= mapping->to)
		return;
	wanted->all = true;
	for (const char *const *flag = wanted->flags; *flag; flag++)
		wanted->all &= strstr(mapping->flags, *flag) != NULL;
}

bool has_flags(const void *address, const char *const *flags)
{
	struct wanted wanted = { (unsigned long)address, flags, false };

	each_mapping(look_for, &wanted);
	return wanted.all;
}

const char *const locked_flags[] = { " lo", " dd", NULL };
/* The kernel does not swap it out, whether it is called locked or not: in a child it is not. */
const char *const secret_flags[] = { " sh", " dd", " dc", NULL };

bool in_child(bool (*check)(char *const *blocks), char *const *blocks)
{
	pid_t pid = fork();
	int how = -1;

	if (!pid)
		_exit(!check(blocks));
	waitpid(pid, &how, 0);
	return how == 0;
}

bool limit_to(size_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	return !setrlimit(RLIMIT_MEMLOCK, &limit) && (getuid() || !setuid(65534));
}

static void add_locked(const struct mapping *mapping, void *bytes)
{
	if (mapping->secret || strstr(mapping->flags, " lo"))
		*(uint64_t *)bytes += mapping->to - mapping->from;
}

/* Mappings that are locked, or secret: VmLck is less where the kernel counts secret memory for the user. */
static uint64_t locked_bytes(void)
{
	uint64_t bytes = 0;

	each_mapping(add_locked, &bytes);
	return bytes;
}

static void says_what_is_left(void *good)
{
	struct salloc_status now = status();

	*(bool *)good = now.limit == 1 << 20 && now.left && now.left == now.limit - locked_bytes();
	if (!*(bool *)good)
		tap_note("of %llu, %llu are locked and %llu left", (unsigned long long)now.limit, (unsigned long long)locked_bytes(), (unsigned long long)now.left);
}

/* With all that may be locked: a block, one between pages that are not, memory in place, a stack. */
static bool tells_what_is_left(unsigned int fallback)
{
	char *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rlimit limit = { 1 << 20, 1 << 20 };
	bool good = true;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || salloc_fallback(fallback) || !salloc(32) || !salloc_guarded(5000))
		return false;
	says_what_is_left(&good);
	if (!good || sprotect(map, 3 * PAGE) || sunprotect(map + PAGE, PAGE))
		return false;
	says_what_is_left(&good);
	return good && !salloc_call(8 * PAGE, says_what_is_left, &good) && good;
}

static bool tells_what_is_left_to_lock(void)
{
	return tells_what_is_left(LOCKED);
}

static bool tells_what_is_left_of_secret(void)
{
	return tells_what_is_left(SECRET | LOCKED);
}

static bool heeds_limit(void)
{
	unsigned int got = 0;
	size_t i;

	if (!limit_to(1 << 20) || salloc_fallback(LOCKED))
		return false;
	/* Nearly all of it can be had, and no more. */
	for (i = 0; i < 600; i++)
		got += salloc(2048) != NULL;
	return got >= 480 && got <= 512 && status().mapped <= 1 << 20;
}

/* It must be an error, not a SIGBUS; for whom nothing is beyond a limit it is as much as there is memory. */
static bool secret_heeds_limit(void)
{
	size_t got = 0, i;
	char *block;

	if (!limit_to(1 << 20) || salloc_fallback(SECRET))
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
	{ "left", tells_what_is_left_to_lock, 0, NULL, NULL, "what is left of the limit is what the kernel says" },
	{ "left-secret", tells_what_is_left_of_secret, 1, NULL, NULL, "so it is with secret memory" },
	{ "stack", stack_is_locked, 1, NULL, NULL, "stacks are locked, and their protection is told" },
	{ "stack-later", stack_comes_later, 1, NULL, NULL, "so it is when they come later" },
	{ "stack-secret", no_secret_stack, 1, NULL, NULL, "stacks cannot be secret: ENOTSUP" },
	{ "in-place", protects_in_place, 0, NULL, NULL, "sprotect() and sunprotect() of locked memory" },
	{ "stale-locked", stale_locked, 0, NULL, NULL, "what is at the address of memory that was locked in place is left alone" },
	{ "stale-secret", stale_secret, 1, NULL, NULL, "a block at the address of what was secret in place is one block" },
	{ "stale-stack", stale_stack, 0, NULL, NULL, "a stack there stays locked" },
	{ "no-mincore", knows_no_residents, 0, NULL, NULL, "mincore() is refused" },
	{ "no-smaps", knows_no_flags, 0, NULL, NULL, "smaps cannot be read" },
	{ "cancel", is_no_cancellation_point, 0, NULL, NULL, "nothing is a cancellation point" },
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
