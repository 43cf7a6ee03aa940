/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * raw: system calls and loops that use nothing of the C library, for moments in
 * which the words are away by which its functions are found: a program has them
 * in the same page as its data.
 */
#ifndef SL_RAW_H
#define SL_RAW_H

#include <stddef.h>
#include <stdint.h>

/* The result, or a negative errno. */
static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return number;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
#error "How is a system call made here?"
#endif
}

/* Volatile, so that no compiler makes a call of memcpy() or memset() of it. Whole words. */
static inline void raw_copy(void *to, const void *from, size_t length)
{
	volatile uint64_t *into = to;
	const volatile uint64_t *out = from;

	for (size_t i = 0; i < length / sizeof(*into); i++)
		if (out[i] != into[i])
			into[i] = out[i];
}

/* Writes to no page that is zero already. */
static inline void raw_wipe(void *start, size_t length)
{
	volatile uint64_t *words = start;

	for (size_t i = 0; i < length / sizeof(*words); i++)
		if (words[i])
			words[i] = 0;
}

#endif
