// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attacker is there before the memory is. What is had under a debugger may be used under it, until it leaves; the secret is made
 * after that.
 *	callback	attached until the memory is had; changes a code pointer, and leaves
 *	again		attached until the memory is had; leaves, comes back, and has the victim write() the secret
 *	fork		the same, but comes back to a child, before that has run for the first time
 *	second		the secret was there before; attached while the victim gets more memory, it has the victim write() the secret
 *	planted		changes a code pointer before the victim has had anything to do with the memory
 */
#include <errno.h>
#include <fcntl.h>
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

/* On one CPU with the victim, and in front of it: it sees the child when that is in the queue to run. */
static pid_t catch_child(void)
{
	struct sched_param first = { .sched_priority = 50 }, ordinary = { 0 };
	struct timespec moment = { 0, 50000 };
	cpu_set_t cpu;
	pid_t last = last_pid(), child = 0;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(prey->pid, sizeof(cpu), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	sched_setscheduler(0, SCHED_FIFO, &first);
	prey->command = 3;
	for (int i = 0; i < 20000 && !child; i++) {
		nanosleep(&moment, NULL);
		for (pid_t pid = last + 1; pid < last + 4 && !child; pid++)
			if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0)
				child = pid;
	}
	sched_setscheduler(0, SCHED_OTHER, &ordinary);
	must(child, "no child");
	return child;
}

static void come_back(const char *how)
{
	pid_t tid = prey->pid;

	must(tracer_interrupt(tid), "stop");
	ptrace(PTRACE_DETACH, tid, 0, 0);
	must(prey_command(2, 3), "the secret is made");
	if (strcmp(how, "fork") == 0) {
		tid = catch_child();
		must(tracer_interrupt(tid), "stop the child");
	} else {
		must(tracer_stop_in_call(tid), "stop again");
	}
	have_it_written(tid);
	/* The child had run after all. */
	if (result == -EILSEQ) {
		tracer_detach(tid);
		must(tracer_stop_in_call(tid), "stop again");
		have_it_written(tid);
	}
	tracer_detach(tid);
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[2] : "";
	bool second = strcmp(how, "second") == 0, planted = strcmp(how, "planted") == 0;
	char detail[100];

	prey_setup();
	if (argc != 3 || pipe(ends) || !prey_start(argv[1], second || strcmp(how, "fork") == 0 ? how : "late"))
		return 2;
	must(ptrace(PTRACE_SEIZE, prey->pid, 0, 0) == 0, "seize");
	if (planted) {
		must(tracer_interrupt(prey->pid), "stop");
		change_callback();
		ptrace(PTRACE_DETACH, prey->pid, 0, 0);
	}
	must(prey_command(1, 2), "the memory is had");
	if (second) {
		usleep(20000);	/* until it sleeps */
		must(tracer_interrupt(prey->pid), "stop");
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
		come_back(how);
	}
	for (int i = 0; i < 500 && !prey_leaked(prey->loot, PREY_ENOUGH) && !prey->fault; i++)
		usleep(1000);
	snprintf(detail, sizeof(detail), "it got %ld", result);
	prey_judge(bytes, sizeof(bytes), result > 0 ? "ciphertext" : "refused", detail);
}
