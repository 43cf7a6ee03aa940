// SPDX-License-Identifier: LGPL-2.1-or-later
/* What was protected in place and is something else by now: in a child, for those who ask, and for sunprotect(). What the library may not count on. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <salloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fallback.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)
#define STACK	(8 * MIB + PAGE)	/* what salloc_call(0) takes */

static char *ordinary(void *at, size_t length)
{
	int fixed = at ? MAP_FIXED_NOREPLACE : 0;
	char *map = mmap(at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

static bool has_both(char *const *memory)
{
	return memory[0][0] == 'o' && memory[0][5 * MIB - 1] == 'o' && !strcmp(memory[1], "kept") && !has_flags(memory[0], locked_flags) &&
	       has_flags(memory[1], locked_flags) && status().state == SALLOC_STATE_PROTECTED;
}

/* A child may lock 8 MiB: not what is ordinary, and the block. */
bool stale_locked(void)
{
	char *memory[2], *map;

	if (!limit_to(8 * MIB) || salloc_fallback(LOCKED))
		return false;
	map = ordinary(NULL, 5 * MIB);
	if (!map || sprotect(map, 5 * MIB) || munmap(map, 5 * MIB))
		return false;
	memory[0] = ordinary(map, 5 * MIB);
	memory[1] = salloc(4 * MIB);
	if (!memory[0] || !memory[1])
		return false;
	memset(memory[0], 'o', 5 * MIB);
	errno = 0;
	if (sunprotect(map, PAGE) != -1 || errno != EINVAL)
		return false;
	strcpy(memory[1], "kept");
	return status().left == 4 * MIB && status().used == PAGE && in_child(has_both, memory);
}

static bool has_block(char *const *block)
{
	return !strcmp(*block, "kept") && status().state == SALLOC_STATE_PROTECTED && !salloc_ro(*block);
}

bool stale_secret(void)
{
	char *block, *map;

	if (salloc_fallback(SECRET))
		return false;
	block = salloc(2 * MIB);
	sfree(block);
	map = ordinary(block, 2 * MIB);
	if (!map || sprotect(map, MIB) || sprotect(map + MIB + PAGE, MIB - PAGE) || munmap(map, 2 * MIB) || salloc(2 * MIB) != block)
		return false;
	strcpy(block, "kept");
	errno = 0;
	/* mincore() says of secret memory that all of it is there. */
	return status().used <= 2 * MIB && sunprotect(map, PAGE) == -1 && errno == EINVAL && in_child(has_block, &block);
}

static char *was_here;

static void on_stack(void *good)
{
	char local[64], *below = (char *)((uintptr_t)local & -(uintptr_t)PAGE) - 40 * PAGE;

	errno = 0;
	*(bool *)good = below > was_here && below < was_here + STACK && sunprotect(below, PAGE) == -1 && errno == EINVAL &&
			!sprotect(below, PAGE) && sunprotect(below, PAGE) == -1 && has_flags(below, locked_flags);
}

/* A stack gets the addresses of what was protected once. */
bool stale_stack(void)
{
	bool good = false;

	if (salloc_fallback(LOCKED) || !salloc(1))
		return false;
	was_here = ordinary(NULL, STACK);
	return was_here && !sprotect(was_here, STACK) && !munmap(was_here, STACK) && !salloc_call(0, on_stack, &good) && good;
}

static void nothing(void *unused)
{
	(void)unused;
}

/* Where mincore() is refused, all that can be touched is taken to have memory, and nothing else. */
bool knows_no_residents(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mincore, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };
	unsigned char has;
	char *block;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) || salloc_fallback(LOCKED))
		return false;
	if (mincore((void *)((uintptr_t)&program & -(uintptr_t)PAGE), PAGE, &has) != -1 || errno != EPERM)
		return false;
	block = salloc_guarded(5000);
	if (!block || salloc_noaccess(block))
		return false;
	sfree(block);
	return !salloc_call(4 * PAGE, nothing, NULL);
}

static bool no_smaps;

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (!no_smaps || number != SYS_openat || !strstr((const char *)b, "/smaps"))
		return __real_syscall(number, a, b, c, d, e, f);
	errno = EACCES;
	return -1;
}

static bool is_locked_again(char *const *map)
{
	return !strcmp(*map, "kept") && has_flags(*map, locked_flags) && status().state == SALLOC_STATE_PROTECTED;
}

/* A child locks rather too much. */
bool knows_no_flags(void)
{
	char *map = ordinary(NULL, PAGE);

	no_smaps = true;
	if (!map || salloc_fallback(LOCKED) || sprotect(map, PAGE))
		return false;
	strcpy(map, "kept");
	return status().used == PAGE && in_child(is_locked_again, &map) && !sunprotect(map, PAGE);
}

static void *calls_all(void *map)
{
	struct salloc_status now = { .size = sizeof(now) };
	char *guarded, *block;

	pthread_cancel(pthread_self());
	guarded = salloc_guarded(32);
	block = srealloc(scalloc(1, 32), 3 * MIB);
	if (!guarded || !block || salloc_ro(guarded) || salloc_rw(guarded) || sprotect(map, PAGE) || sunprotect(map, PAGE) ||
	    salloc_call(4 * PAGE, nothing, NULL) || salloc_status(&now) || !saligned_alloc(64, 64) || !salloc_has(block))
		abort();
	sfree(block);
	sfree(guarded);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return map;
}

/* In a process where none of them has been called yet. */
bool is_no_cancellation_point(void)
{
	char *map = ordinary(NULL, PAGE);
	pthread_t thread;
	void *result;

	return map && !salloc_fallback(LOCKED) && !pthread_create(&thread, NULL, calls_all, map) && !pthread_join(thread, &result) && result == map;
}
