// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attacker is there before the memory is. What is had under a debugger may be used under it, until it leaves; the secret is made
 * after that.
 *	callback	attached until the memory is had; changes a code pointer, and leaves
 *	again		attached until the memory is had; leaves, comes back, and has the victim write() the secret
 *	fork		the same, but comes back to a child, before that has run for the first time
 *	exit		again, but it leaves by the end of its thread, and comes back in another one, before a thread of the victim that made the
 *			secret meanwhile has been off its CPU
 *	second		the secret was there before; attached while the victim gets more memory, it has the victim write() the secret
 *	planted		changes a code pointer before the victim has had anything to do with the memory
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "prey.h"
#include "tracer.h"

static unsigned char bytes[PREY_BYTES];
static int ends[2];
static long result;

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	prey_end();
	exit(2);
}

static void change_callback(void)
{
	uint64_t target = prey->confess;

	must(tracer_poke(prey->pid, prey->callback, &target, 8) == 8, "poke");
}

static void have_it_written(pid_t tid)
{
	result = tracer_call(tid, SYS_write, ends[1], (long)prey->secret, PREY_BYTES, 0, 0, 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	if (read(ends[0], bytes, sizeof(bytes)) < 0)
		memset(bytes, 0, sizeof(bytes));
}

static pid_t last_pid(void)
{
	FILE *file = fopen("/proc/loadavg", "r");
	int pid = 0;

	must(file && fscanf(file, "%*s %*s %*s %*s %d", &pid) == 1, "loadavg");
	fclose(file);
	return pid;
}

/*
 * On one CPU with the victim, and in front of it, while the child waits for its parent to sleep: so it is caught before it runs. 0 if it
 * did run.
 */
static pid_t catch_child(void)
{
	struct sched_param first = { .sched_priority = 50 }, second = { .sched_priority = 10 }, ordinary = { 0 };
	struct timespec moment = { 0, 20000 };
	struct user_regs_struct regs = { 0 };
	cpu_set_t cpu;
	pid_t last = last_pid(), child = 0;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(prey->pid, sizeof(cpu), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	sched_setscheduler(0, SCHED_FIFO, &first);
	sched_setscheduler(prey->pid, SCHED_FIFO, &second);
	prey->command = 3;
	for (int i = 0; i < 20000 && !child; i++) {
		nanosleep(&moment, NULL);
		for (pid_t pid = last + 1; pid < last + 4 && !child; pid++)
			if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0)
				child = pid;
	}
	must(child, "no child");
	must(tracer_interrupt(child), "stop the child");
	sched_setscheduler(child, SCHED_OTHER, &ordinary);
	sched_setscheduler(0, SCHED_OTHER, &ordinary);
	machine_get_registers(child, &regs);
#ifdef __x86_64__
	if (regs.orig_rax == SYS_clone)
#else
	if (regs.regs[8] == SYS_clone)
#endif
		return child;
	tracer_detach(child);
	kill(child, SIGKILL);
	return 0;
}

static void *trace(void *unused)
{
	must(ptrace(PTRACE_SEIZE, prey->pid, 0, 0) == 0, "seize");
	must(prey_command(1, 2), "the memory is had");
	return unused;
}

static bool is_traced(void)
{
	char path[64], line[256];
	int tracer = 1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", prey->pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file) && sscanf(line, "TracerPid: %d", &tracer) != 1)
		continue;
	if (file)
		fclose(file);
	return tracer;
}

/* The victim's thread has a CPU to itself. */
static void leave_by_exit(void)
{
	struct sched_param first = { .sched_priority = 50 }, ordinary = { 0 };
	pthread_t tracer;
	cpu_set_t cpu;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		prey_tell("unavailable", "this takes two CPUs");
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	sched_setaffinity(prey->pid, sizeof(cpu), &cpu);
	CPU_ZERO(&cpu);
	CPU_SET(1, &cpu);
	sched_setaffinity(prey->other, sizeof(cpu), &cpu);
	sched_setscheduler(prey->other, SCHED_FIFO, &first);
	pthread_create(&tracer, NULL, trace, NULL);
	pthread_join(tracer, NULL);
	while (is_traced())
		continue;
	prey->command = 2;
	for (long i = 0; i < 1000000000 && prey->ready < 3 && !prey->fault; i++)
		continue;
	must(tracer_stop(prey->pid), "stop");
	have_it_written(prey->pid);
	tracer_detach(prey->pid);
	sched_setscheduler(prey->other, SCHED_OTHER, &ordinary);
	prey->command = 3;
}

/* Whether it found what it came for: a victim to have the secret written by. */
static bool come_back(bool child)
{
	pid_t tid = prey->pid;

	must(tracer_interrupt(tid), "stop");
	ptrace(PTRACE_DETACH, tid, 0, 0);
	must(prey_command(2, 3), "the secret is made");
	if (child)
		tid = catch_child();
	else
		must(tracer_stop_in_call(tid), "stop again");
	if (!tid)
		return false;
	have_it_written(tid);
	tracer_detach(tid);
	return true;
}

static void start(const char *memory, const char *mode)
{
	prey->ready = 0;
	must(prey_start(memory, mode) && ptrace(PTRACE_SEIZE, prey->pid, 0, 0) == 0, "start");
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[2] : "";
	bool second = strcmp(how, "second") == 0, planted = strcmp(how, "planted") == 0, fork = strcmp(how, "fork") == 0;
	char detail[100];

	prey_setup();
	if (argc != 3 || pipe(ends))
		return 2;
	if (strcmp(how, "exit") == 0) {
		must(prey_start(argv[1], "spin"), "start");
		leave_by_exit();
		prey_judge(bytes, sizeof(bytes), result > 0 ? "ciphertext" : "refused", "an injected write()");
	}
	start(argv[1], second || fork ? how : "late");
	if (planted) {
		must(tracer_interrupt(prey->pid), "stop");
		change_callback();
		ptrace(PTRACE_DETACH, prey->pid, 0, 0);
	}
	must(prey_command(1, 2), "the memory is had");
	if (second) {
		must(tracer_interrupt_in_call(prey->pid), "stop");
		have_it_written(prey->pid);
		tracer_detach(prey->pid);
	} else if (strcmp(how, "callback") == 0) {
		must(tracer_interrupt(prey->pid), "stop");
		change_callback();
		ptrace(PTRACE_DETACH, prey->pid, 0, 0);
		prey_command(2, 3);
	} else if (planted) {
		must(prey_command(2, 3), "the secret is made");
	} else {
		for (int i = 0; i < 40 && !come_back(fork); i++) {
			prey_end();
			start(argv[1], how);
			must(prey_command(1, 2), "the memory is had");
		}
	}
	for (int i = 0; i < 500 && !prey_leaked(prey->loot, PREY_ENOUGH) && !prey->fault; i++)
		usleep(1000);
	snprintf(detail, sizeof(detail), "it got %ld", result);
	/* Nothing tried, nothing proved. */
	if (fork && !result)
		prey_tell("broken", "the child could not be caught");
	prey_judge(bytes, sizeof(bytes), result > 0 ? "ciphertext" : "refused", detail);
}
