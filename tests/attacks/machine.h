/* SPDX-License-Identifier: GPL-2.0-only */
/* What is not the same on x86-64 and on arm64: a debugger's requests, and a few instructions. */
#ifndef MACHINE_H
#define MACHINE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

/* Sealing does without SIMD: emulated, it takes longer than a turn of the scheduler's, so that two owners on one CPU hardly get on. */
#ifdef __x86_64__
#define MACHINE_SLOW	false
#else
#define MACHINE_SLOW	true
#endif

/* What a debugger sets, one way or the other. */
static inline bool machine_get_registers(pid_t tid, struct user_regs_struct *regs)
{
#ifdef __x86_64__
	return ptrace(PTRACE_GETREGS, tid, 0, regs) == 0;
#else
	struct iovec iov = { regs, sizeof(*regs) };

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) == 0;
#endif
}

static inline bool machine_set_registers(pid_t tid, struct user_regs_struct *regs)
{
#ifdef __x86_64__
	return ptrace(PTRACE_SETREGS, tid, 0, regs) == 0;
#else
	struct iovec iov = { regs, sizeof(*regs) };

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) == 0;
#endif
}

/* Names of registers. */
#ifdef __x86_64__
#define MACHINE_PC	rip
#define MACHINE_SP	rsp
#else
#define MACHINE_PC	pc
#define MACHINE_SP	sp
#endif

/* Where a thread is to go on, whatever system call it is in. */
static inline void machine_go_to(struct user_regs_struct *regs, uint64_t pc)
{
	regs->MACHINE_PC = pc;
#ifdef __x86_64__
	regs->orig_rax = -1UL;
#endif
}

/* Code that jumps to an address. */
#ifdef __x86_64__
#define MACHINE_JUMP	12
#else
#define MACHINE_JUMP	16
#endif

static inline const unsigned char *machine_jump(uint64_t target)
{
#ifdef __x86_64__
	static unsigned char code[MACHINE_JUMP] = { 0x48, 0xb8, [10] = 0xff, 0xe0 };	/* movabs $target, %rax; jmp *%rax */

	memcpy(code + 2, &target, 8);
	return code;
#else
	static uint32_t code[MACHINE_JUMP / 4] = { 0x58000050, 0xd61f0200 };	/* ldr x16, target; br x16 */

	memcpy(code + 2, &target, 8);
	return (unsigned char *)code;
#endif
}

/* Has a thread stop when it reads at an address; 0: no more. */
static inline bool machine_watch(pid_t tid, uint64_t at)
{
#ifdef __x86_64__
	return (!at || ptrace(PTRACE_POKEUSER, tid, offsetof(struct user, u_debugreg[0]), at) == 0) &&
	       ptrace(PTRACE_POKEUSER, tid, offsetof(struct user, u_debugreg[7]), at ? 0x30001L : 0L) == 0;
#else
	/* As struct user_hwdebug_state. */
	struct {
		uint32_t info, pad;
		struct {
			uint64_t at;
			uint32_t control, pad;
		} reg[1];
	} state = { .reg[0] = { at, at ? 0xff << 5 | 1 << 3 | 2 << 1 | 1 : 0, 0 } };
	struct iovec iov = { &state, sizeof(state) };

	return ptrace(PTRACE_SETREGSET, tid, NT_ARM_HW_WATCH, &iov) == 0;
#endif
}

/* 16 bytes go to a vector register, where nothing disturbs them. */
static inline void machine_load_vector(const void *bytes)
{
#ifdef __x86_64__
	__asm__ volatile("movdqu (%0), %%xmm5" : : "r"(bytes) : "xmm5");
#else
	__asm__ volatile("ldr q5, [%0]" : : "r"(bytes) : "v5");
#endif
}

/* Counts, without a stack. */
static inline void machine_count(volatile long *word)
{
#ifdef __x86_64__
	__asm__ volatile("addq $1, %0" : "+m"(*word));
#else
	long value;

	__asm__ volatile("ldr %0, %1\n\tadd %0, %0, #1\n\tstr %0, %1" : "=&r"(value), "+m"(*word));
#endif
}

/* Some milliseconds with the frame pointer and the stack pointer somewhere. */
static inline void machine_be_followed(uint64_t frame, uint64_t stack)
{
#ifdef __x86_64__
	__asm__ volatile("mov %%rsp, %%r12\n\tmov %%rbp, %%r13\n\tmov %1, %%rsp\n\tmov %0, %%rbp\n"
			 "mov $3000000, %%ecx\n1:\tdec %%ecx\n\tjnz 1b\n\tmov %%r12, %%rsp\n\tmov %%r13, %%rbp"
			 : : "r"(frame), "r"(stack) : "r12", "r13", "rcx", "cc");
#else
	__asm__ volatile("mov x20, sp\n\tmov x21, x29\n\tmov sp, %1\n\tmov x29, %0\n\t"
			 "mov w9, #3000000 & 0xffff\n\tmovk w9, #3000000 >> 16, lsl #16\n1:\tsubs w9, w9, #1\n\tb.ne 1b\n\t"
			 "mov sp, x20\n\tmov x29, x21"
			 : : "r"(frame), "r"(stack) : "x20", "x21", "x9", "cc");
#endif
}

#endif
