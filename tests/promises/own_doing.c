// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leaves a region by the program's own doing: docs/leaks.md. Measured in the process itself: 32 bytes of a region are worked with, and
 * then looked for where they went. A case that has stopped to leak is a failure too: the document is wrong then.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define LEN	32

static char *region;		/* the secret */
static char alternate[65536];	/* ordinary memory */

static bool holds(const void *where, size_t size, size_t bytes)
{
	return memmem(where, size, region, bytes) != NULL;
}

static void make_secret(void)
{
	for (int i = 0; i < LEN; i++)
		region[i] = (char)(0x80 | (i * 53 + getpid()));
}

static void nothing(int signal)
{
	(void)signal;
}

static void raise_with_secret(long pid)
{
#ifdef __x86_64__
	long number = SYS_kill;

	__asm__ volatile("movdqu (%2), %%xmm5\n\tsyscall\n\tpxor %%xmm5, %%xmm5"
			 : "+a"(number) : "D"(pid), "r"(region), "S"((long)SIGUSR1) : "rcx", "r11", "xmm5", "memory");
#else
	register long x8 __asm__("x8") = SYS_kill;
	register long x0 __asm__("x0") = pid;
	register long x1 __asm__("x1") = SIGUSR1;

	__asm__ volatile("ldr q5, [%3]\n\tsvc #0\n\tmovi v5.16b, #0"
			 : "+r"(x0) : "r"(x1), "r"(x8), "r"(region) : "v5", "memory");
#endif
}

/* What is in registers at a signal is written to the signal's stack. */
static bool signal_frame(bool wipe)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_ONSTACK };
	long pid = getpid();

	memset(alternate, 0, sizeof(alternate));
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise_with_secret(pid);
	if (wipe)
		explicit_bzero(alternate, sizeof(alternate));
	return holds(alternate, sizeof(alternate), 16);
}

/* stdio copies what it writes and reads to a buffer of its own, from malloc(). */
static bool stdio(bool unbuffered)
{
	static char buffer[4096];
	FILE *f = fopen("/dev/null", "w");
	bool found;

	memset(buffer, 0, sizeof(buffer));
	setvbuf(f, buffer, unbuffered ? _IONBF : _IOFBF, sizeof(buffer));
	fwrite(region, 1, LEN, f);
	fflush(f);
	found = holds(buffer, sizeof(buffer), LEN);
	fclose(f);
	return found;
}

/* A copy on the stack stays there when the function has returned. */
__attribute__((noinline)) static void copy(bool wipe)
{
	char local[256];

	memcpy(local + 100, region, LEN);
	__asm__ volatile("" : : "r"(local) : "memory");
	if (wipe)
		explicit_bzero(local, sizeof(local));
}

__attribute__((noinline)) static bool below(void)
{
	char here[8192];

	__asm__ volatile("" : "=m"(here));
	return holds(here, sizeof(here), LEN);
}

/* What a function keeps in registers across calls is in the buffer of setjmp(). */
#pragma GCC diagnostic ignored "-Wclobbered"	/* nobody jumps there */
static bool jump_buffer(bool wipe)
{
	static jmp_buf buffer;
#ifdef __x86_64__
	register long word __asm__("rbx") = *(long *)region;
#else
	register long word __asm__("x19") = *(long *)region;
#endif
	bool found;

	__asm__ volatile("" : "+r"(word));
	if (setjmp(buffer) == 0)
		__asm__ volatile("" : "+r"(word));
	if (wipe)
		explicit_bzero(buffer, sizeof(buffer));
	found = memmem(buffer, sizeof(buffer), region, 8) != NULL;
	return found;
}

/* What a child or a stranger can take from a pipe is in the kernel meanwhile. */
static bool in_pipe(bool region_only)
{
	char got[LEN];
	int ends[2];

	if (pipe(ends))
		return false;
	if (!region_only && write(ends[1], region, LEN) != LEN)
		return false;
	close(ends[1]);
	return read(ends[0], got, LEN) == LEN && memcmp(got, region, LEN) == 0;
}

int main(void)
{
	victim_setup();
	region = victim_region(1, NULL);
	make_secret();
	ok(signal_frame(false), "a signal's frame has the vector registers of the moment");
	ok(!signal_frame(true), "remedy: an alternate stack that is wiped");
	ok(stdio(false), "stdio's buffer has what was written");
	ok(!stdio(true), "remedy: no buffer");
	copy(false);
	ok(below(), "a function's locals stay on the stack when it has returned");
	copy(true);
	ok(!below(), "remedy: explicit_bzero()");
	ok(jump_buffer(false), "setjmp()'s buffer has registers");
	ok(!jump_buffer(true), "remedy: wipe it");
	ok(in_pipe(false), "a pipe has what was written to it");
	ok(!in_pipe(true), "remedy: not to write it");
	return tap_done();
}
