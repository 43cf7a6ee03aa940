/* SPDX-License-Identifier: GPL-2.0-only */
/* What a debugger does, for the ways in. */
#ifndef TRACER_H
#define TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "../machine.h"

/* What tracer_call() and tracer_run() return when the thread does not come back. */
#define TRACER_STUCK	(-100000L)

/* Attaches to a task and stops it. */
bool tracer_stop(pid_t tid);
/* Stops a task that one is attached to. */
bool tracer_interrupt(pid_t tid);
/* Attaches to and stops all threads of a process; and lets them all go. */
bool tracer_stop_all(pid_t pid);
void tracer_detach_all(void);
/* Attaches to a task, again and again, until it is stopped in a system call, for tracer_call(). */
bool tracer_stop_in_call(pid_t tid);
/* The same of a task that one is attached to. */
bool tracer_interrupt_in_call(pid_t tid);
/* Waits for it to stop; its status as of waitpid(), or 0 when it did not in some seconds. */
int tracer_wait(pid_t tid, unsigned int ms);
void tracer_detach(pid_t tid);
/* PEEKDATA and POKEDATA of many words. The number of bytes that it went well for. */
size_t tracer_peek(pid_t tid, uint64_t at, void *bytes, size_t length);
size_t tracer_poke(pid_t tid, uint64_t at, const void *bytes, size_t length);
/* Has a task that is stopped in a system call make another one instead. What that returned. */
long tracer_call(pid_t tid, long number, long a, long b, long c, long d, long e, long f);
#ifndef __x86_64__
/* Where a new task goes on that such a call has made. 0: it waits. */
extern uint64_t tracer_next;
#endif
/* An address below its stack that nobody minds one writing to. */
uint64_t tracer_scratch(pid_t tid);
/* The same without attaching: writes through /proc/PID/mem. */
bool tracer_write_mem(pid_t pid, uint64_t at, const void *bytes, size_t length);

#endif
