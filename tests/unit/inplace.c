// SPDX-License-Identifier: LGPL-2.1-or-later
/* sprotect() and sunprotect(): what they keep, what they wipe, what they refuse. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <salloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "../../lib/raw.h"
#include "backend_test.h"
#include "tap.h"

#define PAGE	((size_t)4096)

/* Data with a page to itself on either side, and uninitialised the same. */
static struct {
	_Alignas(4096) char before[PAGE], here[3 * PAGE], after[PAGE];
} data = { .before = "before", .here = "here", .after = "after" }, bss;

/* What mremap() does, once watch_moves() was called: its calls are made by a signal handler, and have a sixth argument then. */
#define MINE	0x5a11c

static enum { MOVES, REFUSED, REFUSED_LATE } moving;

static void on_move(int signal, siginfo_t *info, void *context)
{
#if defined(__x86_64__)
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	long from = registers[REG_RDI], length = registers[REG_RSI], to = registers[REG_R8];
	long flags = registers[REG_R10];
	long long *result = &registers[REG_RAX];
#elif defined(__aarch64__)
	unsigned long long *registers = ((ucontext_t *)context)->uc_mcontext.regs;
	long from = registers[0], length = registers[1], flags = registers[3], to = registers[4];
	unsigned long long *result = &registers[0];
#endif
	(void)signal;
	(void)info;
	if (moving == MOVES) {
		*result = raw_syscall(SYS_mremap, from, length, length, flags, to, MINE);
		return;
	}
	/* As the kernel does when it has as many mappings as there may be. */
	if (moving == REFUSED_LATE)
		raw_syscall(SYS_munmap, to, length, 0, 0, 0, 0);
	*result = -ENOMEM;
}

static void watch_moves(void)
{
	struct sigaction action = { .sa_sigaction = on_move, .sa_flags = SA_SIGINFO };
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MINE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (sigaction(SIGSYS, &action, NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(97);
}

static char *map(size_t pages)
{
	char *start = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		exit(99);
	return start;
}

static void fill(char *start, size_t pages)
{
	for (size_t i = 0; i < pages * PAGE; i++)
		start[i] = (char)(i % 251);
}

static bool is_filled(const char *start, size_t pages)
{
	for (size_t i = 0; i < pages * PAGE; i++)
		if (start[i] != (char)(i % 251))
			return false;
	return true;
}

static bool fails(int result, int error)
{
	if (result == -1 && errno == error)
		return true;
	tap_note("%d, errno %d, not %d", result, errno, error);
	return false;
}

static size_t regions(void)
{
	return backend_test.bytes / PAGE;
}

static void round_trip(char *start, size_t pages, const char *what)
{
	size_t before = regions();

	fill(start, pages);
	ok(!sprotect(start, pages * PAGE) && is_filled(start, pages) &&
	   regions() == before + pages, "%s: protected, the same inside", what);
	start[5]++;
	ok(!sprotect(start, pages * PAGE) && start[5] == 6 && regions() == before + pages,
	   "%s: once more is nothing", what);
	ok(!sunprotect(start, pages * PAGE) && start[5]-- == 6 && is_filled(start, pages),
	   "%s: ordinary again, the same inside", what);
	ok(fails(sunprotect(start, pages * PAGE), EINVAL), "%s: not twice", what);
}

static void parts(void)
{
	char *start = map(8);

	fill(start, 8);
	ok(!sprotect(start + PAGE, 2 * PAGE) && !sprotect(start + 4 * PAGE, PAGE + 1) &&
	   is_filled(start, 8), "two parts, of which one is no whole page");
	ok(fails(sunprotect(start + PAGE, 5 * PAGE), EINVAL), "what lies between them is not protected");
	ok(!sprotect(start, 7 * PAGE) && is_filled(start, 8), "both and all around");
	ok(!sunprotect(start + 3 * PAGE, PAGE) && is_filled(start, 8) &&
	   !sunprotect(start, 3 * PAGE) && fails(sunprotect(start + 3 * PAGE, PAGE), EINVAL) &&
	   !sunprotect(start + 4 * PAGE, 3 * PAGE) && is_filled(start, 8), "taken back in pieces");
}

/* Many, far from each other, in an order that is none: the table must find each. */
static void many(void)
{
	enum { COUNT = 300 };
	char *start = map(2 * COUNT);
	bool good = true;

	fill(start, 2 * COUNT);
	for (size_t i = 0; i < COUNT; i++)
		good &= !sprotect(start + i * 7 % COUNT * 2 * PAGE, PAGE);
	ok(good, "%d ranges", COUNT);
	for (size_t i = 0; i < COUNT; i++)
		good &= fails(sunprotect(start + (2 * i + 1) * PAGE, PAGE), EINVAL);
	ok(good, "none between them");
	for (size_t i = 0; i < COUNT; i++)
		good &= !sunprotect(start + i * 11 % COUNT * 2 * PAGE, PAGE);
	ok(good && is_filled(start, 2 * COUNT), "and back");
}

static void refusals(void)
{
	char *start = map(4), *block = salloc(2 << 20), on_stack[2 * PAGE];
	int fd = open("/proc/self/exe", O_RDONLY);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *stack = (char *)(((uintptr_t)on_stack + PAGE - 1) & ~(PAGE - 1));
	size_t before = regions();

	fill(start, 4);
	ok(fails(sprotect(start + 1, PAGE), EINVAL), "not the beginning of a page");
	ok(fails(sprotect(start, 0), EINVAL), "no length");
	ok(fails(sprotect(start, SIZE_MAX), EINVAL) && fails(sprotect(start, SIZE_MAX - 2 * PAGE), EINVAL),
	   "beyond the end of memory");
	ok(fails(sunprotect(start + 1, PAGE), EINVAL) && fails(sunprotect(start, 0), EINVAL) &&
	   fails(sunprotect(start, PAGE), EINVAL), "the same of sunprotect(), and what was never protected");
	ok(fails(sprotect(shared, PAGE), ENOTSUP), "shared memory");
	ok(fails(sprotect(stack, PAGE), ENOTSUP), "the stack");
	ok(fails(sprotect((char *)((uintptr_t)fails & ~(PAGE - 1)), PAGE), EACCES), "code");
	mprotect(start + 2 * PAGE, PAGE, PROT_READ);
	ok(fails(sprotect(start, 4 * PAGE), EACCES), "a page that is read-only");
	munmap(start + 2 * PAGE, PAGE);
	ok(fails(sprotect(start, 4 * PAGE), ENOMEM), "a hole");
	ok(fails(sprotect(start, 3 * PAGE), ENOMEM), "a hole at the end");
	backend_test.open_error = ENOSYS;
	ok(fails(sprotect(start, 2 * PAGE), ENOMEM), "no device any more");
	backend_test.open_error = 0;
	backend_test.largest = PAGE;
	ok(fails(sprotect(start, 2 * PAGE), ENOMEM), "no memory");
	backend_test.largest = 0;
	ok(is_filled(start, 2) && regions() == before, "nothing has changed");
	ok(!sprotect(block, 2 << 20) && regions() == before, "a block is protected already");
	ok(fails(sunprotect(block, 2 << 20), EINVAL), "it stays so");
	sfree(block);
	close(fd);
}

/* The stack of a thread is memory like other memory, but not while it is in use. */
static void *on_own_stack(void *page_of_main)
{
	char local[PAGE];
	char *page = (char *)((uintptr_t)local & ~(PAGE - 1));

	if (!fails(sprotect(page_of_main, PAGE), ENOTSUP))
		return NULL;
	local[0] = 1;
	__asm__ volatile("" : : "r"(local) : "memory");
	return fails(sprotect(page - PAGE, 4 * PAGE), ENOTSUP) && fails(sprotect(page - 100 * PAGE, PAGE), ENOTSUP) ? page : NULL;
}

static void neighbours(void)
{
	char *block = salloc(2 << 20);
	char *after = block + ssize(block);
	pthread_t thread;
	void *good;

	ok(!pthread_create(&thread, NULL, on_own_stack, (char *)((uintptr_t)&thread & ~(PAGE - 1))) && !pthread_join(thread, &good) && good,
	   "the stack of another thread, which calls, and that of the main thread");
	after = mmap(after, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (after == block + ssize(block)) {
		ok(fails(sprotect(after - PAGE, 2 * PAGE), ENOTSUP), "the end of a block and what follows");
		munmap(after, PAGE);
	} else {
		tap_note("something is where memory was to follow a block");
	}
	sfree(block);
}

/* Another stack than that of the thread. */
static ucontext_t from, aside;
static bool refused;

static void on_other_stack(void)
{
	char local;

	refused = fails(sprotect((char *)((uintptr_t)&local & ~(PAGE - 1)) - PAGE, PAGE), ENOTSUP);
}

static void coroutine(void)
{
	char *stack = map(64);

	getcontext(&aside);
	aside.uc_stack.ss_sp = stack;
	aside.uc_stack.ss_size = 64 * PAGE;
	aside.uc_link = &from;
	makecontext(&aside, on_other_stack, 0);
	swapcontext(&from, &aside);
	ok(refused, "a stack of another kind, which is in use");
	ok(!sprotect(stack, 64 * PAGE), "it may be protected when it is not");
	munmap(stack, 64 * PAGE);
}

/* A region that nothing of this is about. */
static void on_protected_stack(void *good)
{
	*(bool *)good = fails(sunprotect((char *)((uintptr_t)__builtin_frame_address(0) & ~(PAGE - 1)) - 100 * PAGE, PAGE), EINVAL);
}

/* What was protected here once is a block's now. */
static void reused(void)
{
	size_t length = (size_t)2 << 20;
	char *block = salloc(length), *start = block;

	sfree(block);
	if (mmap(start, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != start)
		exit(96);
	ok(!sprotect(start, length) && !munmap(start, length), "protected, and unmapped");
	block = salloc(length);
	if (block != start)
		tap_note("its block is somewhere else");
	ok(fails(sunprotect(block, PAGE), EINVAL), "a block stays protected, wherever it is");
	sfree(block);
}

static void *without_leader(void *unused)
{
	char *start = map(1);

	(void)unused;
	usleep(50000);
	_exit(sprotect(start, PAGE) || sunprotect(start, PAGE));
}

/* The main thread may end before the others. */
static bool leaderless(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, without_leader, NULL);
	pthread_exit(NULL);
}

/* Whoever had the memory before may give it up. */
static void stale(void)
{
	char *start = map(3);
	char *other;

	ok(!sprotect(start, 3 * PAGE), "three pages");
	other = mmap(start + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ok(other == start + PAGE && fails(sunprotect(start, 3 * PAGE), EINVAL), "one of them is something else by now");
	ok(fails(sprotect(start, 3 * PAGE), ENOTSUP), "and is not taken for a region");
	munmap(start + PAGE, PAGE);
	ok(fails(sunprotect(start, 3 * PAGE), ENOMEM), "or nothing");
	other = mmap(start + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	strcpy(other, "new");
	ok(!sprotect(other, PAGE) && !strcmp(other, "new"), "or new, and is protected then");
	ok(!sunprotect(start, 3 * PAGE) && !strcmp(other, "new"), "and back");
}

/* A pipe tells what another mapping of the same physical pages would: none of them is still there. */
static void wiped(void)
{
	char *start = map(2), seen[PAGE];
	struct iovec part = { start, PAGE };
	int fds[2];

	fill(start, 2);
	if (pipe(fds) || vmsplice(fds[1], &part, 1, 0) != (ssize_t)PAGE)
		exit(98);
	ok(!sprotect(start, 2 * PAGE) && is_filled(start, 2), "a page that a pipe has, too");
	ok(read(fds[0], seen, PAGE) == (ssize_t)PAGE && tap_is_filled(seen, 0, PAGE), "where it was is wiped");
	sunprotect(start, 2 * PAGE);
}

static void cannot_move(int how, const char *what)
{
	char *start = map(3);
	size_t before = regions();

	fill(start, 3);
	moving = how;
	ok(fails(sprotect(start, 3 * PAGE), ENOMEM) && is_filled(start, 3) && regions() == before,
	   "%s: not protected, nothing lost", what);
	moving = MOVES;
	ok(!sprotect(start, 3 * PAGE) && is_filled(start, 3), "%s: it can be later", what);
	moving = how;
	if (how == REFUSED)
		ok(fails(sunprotect(start, 3 * PAGE), ENOMEM) && is_filled(start, 3), "%s: it stays protected", what);
	else
		ok(!sunprotect(start, 3 * PAGE) && is_filled(start, 3), "%s: it is ordinary all the same", what);
	moving = MOVES;
	ok(how != REFUSED || !sunprotect(start, 3 * PAGE), "%s: and back", what);
	start[0] = 1;
	ok(fails(sunprotect(start, 3 * PAGE), EINVAL), "%s: it is ordinary", what);
}

static bool in_child(void *start)
{
	char *here = start;
	bool good = is_filled(here, 2);

	here[3]++;
	return good && !sunprotect(here, 2 * PAGE) && here[3] == 4;
}

static void forked(void)
{
	char *start = map(2);

	fill(start, 2);
	sprotect(start, 2 * PAGE);
	ok(tap_child(in_child, start), "a child has a copy");
	ok(is_filled(start, 2) && !sunprotect(start, 2 * PAGE), "it is a copy");
}

static void guarded(void)
{
	struct salloc_status status = { .size = sizeof(status) };
	char *start = map(2);

	backend_test.open_error = ENOSYS;
	ok(fails(sprotect(start, PAGE), ENOSYS), "no device");
	backend_test.open_error = 0;
	ok(!salloc_guard(SALLOC_GUARD_REFUSE) && !sprotect(start, PAGE) && backend_test.guard == SALLOC_GUARD_REFUSE,
	   "guarded as blocks are");
	backend_test.open_error = ENOSYS;
	ok(fails(sprotect(start + PAGE, PAGE), ENOMEM), "no device any more, while something is protected");
	backend_test.open_error = EMFILE;
	ok(fails(salloc_status(&status), EMFILE), "that nobody can be asked about it is an error");
	backend_test.open_error = 0;
	sunprotect(start, PAGE);
}

int main(void)
{
	bool good;

	guarded();
	round_trip(map(1), 1, "a page");
	round_trip(map(600), 600, "600 pages");
	round_trip(data.here, 3, "initialised data");
	ok(!strcmp(data.before, "before") && !strcmp(data.after, "after"), "what is around it");
	round_trip(bss.here, 3, "uninitialised data");
	round_trip(sbrk(4 * PAGE), 2, "the heap");
	parts();
	many();
	refusals();
	neighbours();
	coroutine();
	ok(!salloc_call(0, on_protected_stack, &good) && good, "a protected stack stays so");
	reused();
	ok(tap_child(leaderless, NULL), "without a main thread");
	stale();
	wiped();
	watch_moves();
	cannot_move(REFUSED, "mremap() fails");
	cannot_move(REFUSED_LATE, "mremap() fails half-way");
	forked();
	return tap_done();
}
