// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of tracefs that read user memory in the victim's own context, where its page table is in use:
 *	uprobe		a breakpoint in the victim's code
 *	kprobe		one in the kernel, in a system call that the victim makes
 *	string		the same, taking a string
 *	nested		the same, three deep: the kernel calls nobody who watches a function when it is called a third time within itself
 *	borrowed	the same as string, where the timer wakes a thread of the victim's: the idle task runs there, with the victim's page table
 *	userstack	an event of the kernel's own, with the user's stack trace
 *	exec		the same as string, while the victim becomes another program: the kernel has exchanged its address space, but not yet its page table
 *	switchedstack	the same as userstack, of a process that has to make room for the victim: it is still said to run when the victim's page
 *			table is there
 *	partingstack	the same, of threads that exit: they have no address space any more then, but its page table
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../knob.h"
#include "../machine.h"
#include "prey.h"

#define TRACING		"/sys/kernel/tracing/"
#define EVENT		"events/prey/way/enable"
#ifdef __x86_64__
#define TIMER		"events/irq_vectors/local_timer_entry/"
#else
#define TIMER		"events/timer/hrtimer_expire_entry/"
#endif
#define WORD		" +u0(\\%#" PRIx64 "):x64"
#define ARGUMENTS	8	/* that an event takes along */

static bool put(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "%s", file);
	return knob_set(path, text, strstr(file, "_events") ? O_APPEND : O_TRUNC);
}

/* So many words, or strings, at places of the secret that begin a row. */
static void add_arguments(char *text, size_t size, const char *format, unsigned int count, unsigned int step)
{
	for (unsigned int i = 0; i < count; i++) {
		char *end = text + strlen(text);

		snprintf(end, size - (size_t)(end - text), format, prey->secret + 512 + i * step);
	}
	strcat(text, "\n");
}

static const char *define_event(const char *how, char *text, size_t size)
{
	char path[256];
	uint64_t offset = 0;

	if (strcmp(how, "uprobe") == 0) {
		if (!prey_find_code(prey->code, path, &offset))
			exit(2);
		snprintf(text, size, "p:prey/way %s:%#" PRIx64, path, offset);
		add_arguments(text, size, " @%#" PRIx64 ":x64", ARGUMENTS, 8);
		return "uprobe_events";
	}
	snprintf(text, size, "p:prey/way %s", strcmp(how, "exec") == 0 ? "switch_mm_irqs_off" : strcmp(how, "borrowed") ? "hrtimer_nanosleep" : "hrtimer_wakeup");
	if (strcmp(how, "kprobe") == 0)
		add_arguments(text, size, WORD, ARGUMENTS, 8);
	else if (strcmp(how, "string") == 0 || strcmp(how, "borrowed") == 0 || strcmp(how, "exec") == 0)
		/* Few: each goes on to the next zero, and an event must fit into a page. */
		add_arguments(text, size, " +u0(\\%#" PRIx64 "):ustring", 3, 64);
	else
		exit(2);
	return "kprobe_events";
}

/* What the events say, as it is, and the words as bytes. */
static size_t collect(unsigned char *bytes, size_t room)
{
	FILE *f = fopen(TRACING "trace", "r");
	size_t n = f ? fread(bytes, 1, room / 4, f) : 0;

	if (f)
		fclose(f);
	bytes[n] = 0;
	for (char *at = (char *)bytes, *end = at + n; (at = memmem(at, (size_t)(end - at), "=0x", 3));) {
		uint64_t word = strtoul(at + 1, &at, 16);

		if (n + 8 > room)
			break;
		memcpy(bytes + n, &word, 8);
		n += 8;
	}
	return n;
}

/* Of each stack trace the first return address, once when it stays the same. */
static size_t collect_returns(uint64_t *words, size_t room)
{
	FILE *f = fopen(TRACING "trace", "r");
	unsigned int line = 0, traces = 0;
	size_t count = 0;
	char text[512], *at;

	while (f && count < room && fgets(text, sizeof(text), f)) {
		line = strstr(text, "<user stack trace>") ? 1 : line ? line + 1 : 0;
		traces += line == 1;
		at = line == 3 && strstr(text, "=>") ? strchr(text, '<') : NULL;
		if (!at)
			continue;
		words[count] = strtoul(at + 1, NULL, 16);
		count += count == 0 || words[count] != words[count - 1];
	}
	if (f)
		fclose(f);
#ifndef __x86_64__
	if (!traces)
		prey_tell("unavailable", "this kernel tells no user's stack");
#endif
	if (!traces)
		prey_tell("broken", "the kernel has told nobody's stack");
	prey_restore(words, count);
	return count * sizeof(*words);
}

/* @filter: of the event's; NULL: of @pid, 0: of the victim's first thread */
static void user_stack(const char *event, const char *filter, pid_t pid)
{
	char enable[64], only[64], first[32];
	static uint64_t words[4096];
	size_t n;

	snprintf(first, sizeof(first), "common_pid == %d", pid ? pid : prey->pid);
	snprintf(enable, sizeof(enable), "%senable", event);
	snprintf(only, sizeof(only), "%sfilter", event);
	put("trace", "");
	if (!put(only, filter ? filter : first) || !put("options/userstacktrace", "1") || !put(enable, "1"))
		prey_judge(NULL, 0, "refused", "the kernel takes no such trace");
	usleep(1500000);
	put(enable, "0");
	n = collect_returns(words, 4096);
	put("options/userstacktrace", "0");
	put(only, "0");
	put("trace", "");
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	prey_judge(words, n, "refused", "user stack traces");
}

/* Points into the victim's secret, where it has no memory itself, on the CPU where a thread of the victim's naps. */
static pid_t start_neighbour(void)
{
	pid_t pid = fork();
	cpu_set_t set;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);	/* With one CPU, they are there together anyway. */
	for (size_t i = 0;; i = (i + 1) % 32)
		machine_be_followed(prey->secret + 1024 + i * 8, prey->secret + 512);
}

static const char *mode_for(const char *how)
{
	static const char *const modes[][2] = { { "userstack", "followed" }, { "partingstack", "parting" }, { "switchedstack", "left" },
						{ "borrowed", "left" }, { "exec", "end" } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(how, modes[i][0]) == 0)
			return modes[i][1];
	return "loop";
}

/* Lets others watch the function that fetches, too; or another one that fetches within a trace of one. False: the kernel takes no such event. */
static bool define_nested(char *text, size_t size)
{
	snprintf(text, size, "f:prey/way copy_from_user_nofault");
	add_arguments(text, size, WORD, ARGUMENTS, 8);
	if (put("dynamic_events", text)) {
		snprintf(text, size, "p:prey/outer hrtimer_nanosleep+9");
	} else {
		/* Before there were such events. */
		snprintf(text, size, "p:prey/way stack_trace_save");
		add_arguments(text, size, WORD, ARGUMENTS, 8);
		if (!put("kprobe_events", text) || !put("set_ftrace_filter", "hrtimer_nanosleep stack_trace_save") ||
		    !put("current_tracer", "function") || !put("options/func_stack_trace", "1"))
			return false;
		snprintf(text, size, "p:prey/outer hrtimer_nanosleep");
	}
	add_arguments(text, size, WORD, 1, 8);
	return put("kprobe_events", text);
}

static _Noreturn void nested(char *text, size_t size)
{
	static unsigned char bytes[1 << 22];
	size_t n;

	/* The outer one is written elsewhere: a buffer can be written to only so deep. */
	mkdir(TRACING "instances/outer", 0700);
	if (!define_nested(text, size) || !put("events/prey/way/filter", "comm == \"victim\"") || !put(EVENT, "1") ||
	    !put("instances/outer/events/prey/outer/enable", "1"))
		prey_judge(NULL, 0, "refused", "the kernel takes no such event");
	usleep(1000000);
	/* And as soon as it is there, for as long as it has not quite gone. */
	for (int i = 0; i < 20; i++) {
		put(EVENT, "0");
		usleep(150000);
		put(EVENT, "1");
		usleep(20000);
	}
	put("instances/outer/events/prey/outer/enable", "0");
	put(EVENT, "0");
	n = collect(bytes, sizeof(bytes) - 1);
	put("options/func_stack_trace", "0");
	put("current_tracer", "nop");
	put("set_ftrace_filter", "");
	rmdir(TRACING "instances/outer");
	put("dynamic_events", "-:prey/outer\n");
	put("dynamic_events", "-:prey/way\n");
	put("trace", "");
	prey_judge(bytes, n, "refused", "nested events");
}

/* Its victim is another program then, which has no secret: there is nothing to be found intact. */
static _Noreturn void exec_ends(void)
{
	static unsigned char bytes[1 << 20];
	size_t n;

	prey->command = 2;
	usleep(1500000);
	put(EVENT, "0");
	n = collect(bytes, sizeof(bytes) - 1);
	put("kprobe_events", "-:prey/way\n");
	put("trace", "");
	kill(prey->pid, SIGKILL);
	prey_tell(prey_leaked(bytes, n) ? "leak" : "refused", "exec: %zu bytes of events", n);
}

int main(int argc, char **argv)
{
	static unsigned char bytes[1 << 20];
	char text[1024], detail[128];
	const char *file;
	bool stands;
	size_t n;

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], mode_for(argv[2])))
		return 2;
#ifndef __x86_64__
	if (strcmp(argv[2], "exec") == 0)
		prey_tell("unavailable", "no place is known in this kernel's exec() where one reads what was there before");
	if (strcmp(argv[2], "switchedstack") == 0)
		prey_tell("unavailable", "this kernel does not tell when page tables are exchanged");
	if (strcmp(argv[2], "nested") == 0)
		prey_tell("unavailable", "not written for this machine, where it may win, too");
#endif
	if (strcmp(argv[2], "userstack") == 0)
		user_stack(TIMER, NULL, 0);
	if (strcmp(argv[2], "partingstack") == 0)
		user_stack("events/sched/sched_process_exit/", "comm == \"victim\"", 0);
	if (strcmp(argv[2], "switchedstack") == 0)
		user_stack("events/tlb/tlb_flush/", NULL, start_neighbour());
	put("trace", "");
	if (strcmp(argv[2], "nested") == 0)
		nested(text, sizeof(text));
	file = define_event(argv[2], text, sizeof(text));
	if (!put(file, text) || !put(EVENT, "1")) {
		put("dynamic_events", "-:prey/way\n");
		prey_judge(NULL, 0, "refused", "the kernel takes no such event");
	}
	if (strcmp(argv[2], "exec") == 0)
		exec_ends();
	usleep(1500000);
	stands = prey_stands(500);
	put(EVENT, "0");
	n = collect(bytes, sizeof(bytes) - 1);
	put(file, "-:prey/way\n");
	put("trace", "");
	snprintf(detail, sizeof(detail), "%s: %zu bytes of events", argv[2], n);
	prey_judge(bytes, n, stands ? "parked" : "refused", detail);
}
