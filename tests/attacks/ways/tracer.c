// SPDX-License-Identifier: GPL-2.0-only
#include "prey.h"
#include "tracer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORD	sizeof(long)

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int tracer_wait(pid_t tid, unsigned int ms)
{
	long end = now_ms() + ms;
	int status;

	for (int i = 0; i == 0 || now_ms() <= end; i++) {
		if (waitpid(tid, &status, WNOHANG | __WALL) == tid)
			return status;
		/* Most come at once: thousands of single steps must be quick. */
		if (i > 20)
			usleep(100);
		else
			sched_yield();
	}
	return 0;
}

bool tracer_interrupt(pid_t tid)
{
	return ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0 && tracer_wait(tid, 5000);
}

bool tracer_stop(pid_t tid)
{
	return ptrace(PTRACE_SEIZE, tid, 0, 0) == 0 && tracer_interrupt(tid);
}

void tracer_detach(pid_t tid)
{
	/* It must be stopped for that. */
	if (ptrace(PTRACE_DETACH, tid, 0, 0) && tracer_interrupt(tid))
		ptrace(PTRACE_DETACH, tid, 0, 0);
}

static pid_t threads[16];
static int count;

bool tracer_stop_all(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) && count < 16 && tracer_stop(atoi(entry->d_name)))
			threads[count++] = atoi(entry->d_name);
	if (dir)
		closedir(dir);
	return count;
}

void tracer_detach_all(void)
{
	while (count)
		tracer_detach(threads[--count]);
}

static bool is_in_call(pid_t tid)
{
	struct user_regs_struct regs;

#ifdef __x86_64__
	return machine_get_registers(tid, &regs) && (long)regs.orig_rax >= 0 &&
	       (ptrace(PTRACE_PEEKTEXT, tid, regs.rip - 2, 0) & 0xffff) == 0x050f;	/* syscall */
#else
	/* At the call, if it is to be made again, or behind it. */
	return machine_get_registers(tid, &regs) && ((uint32_t)ptrace(PTRACE_PEEKTEXT, tid, regs.pc, 0) == 0xd4000001 ||
						     (uint32_t)ptrace(PTRACE_PEEKTEXT, tid, regs.pc - 4, 0) == 0xd4000001);	/* svc #0 */
#endif
}

bool tracer_stop_in_call(pid_t tid)
{
	for (int i = 0; i < 500; i++) {
		if (!tracer_stop(tid))
			return false;
		if (is_in_call(tid))
			return true;
		tracer_detach(tid);
		usleep((unsigned int)(i * 37 % 2000));
	}
	return false;
}

bool tracer_interrupt_in_call(pid_t tid)
{
	for (int i = 0; i < 500 && tracer_interrupt(tid); i++) {
		if (is_in_call(tid))
			return true;
		ptrace(PTRACE_CONT, tid, 0, 0);
		usleep((unsigned int)(i * 37 % 2000));
	}
	return false;
}

size_t tracer_peek(pid_t tid, uint64_t at, void *bytes, size_t length)
{
	size_t done = 0;

	for (size_t i = 0; i < length; i += WORD) {
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, tid, at + i, 0);
		if (errno)
			continue;
		memcpy((char *)bytes + i, &word, WORD);
		done += WORD;
	}
	return done;
}

size_t tracer_poke(pid_t tid, uint64_t at, const void *bytes, size_t length)
{
	size_t done = 0;

	for (size_t i = 0; i < length; i += WORD) {
		size_t part = length - i < WORD ? length - i : WORD;
		long word;

		if (part < WORD)
			tracer_peek(tid, at + i, &word, WORD);
		memcpy(&word, (const char *)bytes + i, part);
		if (ptrace(PTRACE_POKEDATA, tid, at + i, word) == 0)
			done += part;
	}
	return done;
}

uint64_t tracer_scratch(pid_t tid)
{
	struct user_regs_struct regs;

	machine_get_registers(tid, &regs);
	return (regs.MACHINE_SP - 4096) & ~63UL;
}

#ifdef __x86_64__
static bool prepare(pid_t tid, const long *call, struct user_regs_struct *to)
{
	struct user_regs_struct regs = *to;

	if ((ptrace(PTRACE_PEEKTEXT, tid, regs.rip - 2, 0) & 0xffff) != 0x050f)	/* syscall */
		return false;
	regs.rip -= 2;
	regs.orig_rax = -1UL;
	regs.rax = (unsigned long)call[0];
	regs.rdi = (unsigned long)call[1];
	regs.rsi = (unsigned long)call[2];
	regs.rdx = (unsigned long)call[3];
	regs.r10 = (unsigned long)call[4];
	regs.r8 = (unsigned long)call[5];
	regs.r9 = (unsigned long)call[6];
	*to = regs;
	return true;
}
#define RESULT	rax
#else
uint64_t tracer_next;

/* Not where it is: the kernel may be about to make that call again, as another one. */
static bool prepare(pid_t tid, const long *call, struct user_regs_struct *to)
{
	(void)tid;
	to->pc = prey->spare + PREY_CALL;
	to->regs[8] = (unsigned long)call[0];
	to->regs[9] = tracer_next;
	for (int i = 0; i < 6; i++)
		to->regs[i] = (unsigned long)call[i + 1];
	return true;
}
#define RESULT	regs[0]
#endif

long tracer_call(pid_t tid, long number, long a, long b, long c, long d, long e, long f)
{
	const long call[] = { number, a, b, c, d, e, f };
	struct user_regs_struct saved, regs;
	int status;

	if (!machine_get_registers(tid, &saved))
		return -errno;
	regs = saved;
	if (!prepare(tid, call, &regs))
		return -EILSEQ;
	if (!machine_set_registers(tid, &regs) || ptrace(PTRACE_SINGLESTEP, tid, 0, 0))
		return -errno;
	/* With PTRACE_O_TRACEFORK there is an event on the way. */
	do {
		status = tracer_wait(tid, 3000);
		if (!status && !tracer_interrupt(tid))
			return TRACER_STUCK;
		if (status >> 16)
			ptrace(PTRACE_SINGLESTEP, tid, 0, 0);
	} while (status >> 16);
	machine_get_registers(tid, &regs);
	machine_set_registers(tid, &saved);
	return status ? (long)regs.RESULT : TRACER_STUCK;
}

bool tracer_write_mem(pid_t pid, uint64_t at, const void *bytes, size_t length)
{
	char path[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = pwrite(fd, bytes, length, (off_t)at) == (ssize_t)length;
	close(fd);
	return done;
}
