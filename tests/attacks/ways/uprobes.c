// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers of uprobes, which read the secret, without a breakpoint that is put in for that:
 *	return	The kernel calls them at the end of a function for each thread that was in there while there was a breakpoint at its beginning.
 *		So: watch the victim until a thread of it is in there, and stop; the breakpoint goes, and the victim goes on with its secret.
 *		Then watch it again, by an event that the kernel takes for one of a program that is about to start, and puts no breakpoint in for;
 *		and let the thread return.
 *	shared	the same; and for a while the function tracer watches the functions of the kernel by which they are called
 *	early	the breakpoint is there before the victim has its memory, for another event, which reads nothing
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../knob.h"
#include "prey.h"

#define TRACING		"/sys/kernel/tracing/"
#define RING		(64 * 4096)
#define WORDS		8	/* of the secret, in an event */

static pid_t other;
static char samples[RING];
static char *ring = MAP_FAILED;

/* @kind: p, where it begins, or r, where it ends */
static bool define_event(const char *name, char kind, uint64_t function, unsigned int words)
{
	char text[1024], path[256];
	uint64_t offset = 0;

	if (!prey_find_code(function, path, &offset))
		exit(2);
	snprintf(text, sizeof(text), "%c:prey/%s %s:%#" PRIx64, kind, name, path, offset);
	for (unsigned int i = 0; i < words; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " @%#" PRIx64 ":x64", prey->secret + 512 + i * 8);
	strcat(text, "\n");
	return knob_set(TRACING "uprobe_events", text, O_APPEND);
}

/* One of them is not there in each kernel. */
static bool trace_functions(bool on)
{
	if (!on) {
		knob_set(TRACING "current_tracer", "nop", O_TRUNC);
		return knob_set(TRACING "set_ftrace_filter", "", O_TRUNC);
	}
	knob_set(TRACING "set_ftrace_filter", "uprobe_handle_trampoline\n", O_TRUNC);
	return knob_set(TRACING "set_ftrace_filter", "uprobe_notify_resume\n", O_APPEND) && knob_set(TRACING "current_tracer", "function", O_TRUNC);
}

static int watch(const char *name, pid_t pid, bool on_exec)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .type = PERF_TYPE_TRACEPOINT, .sample_period = 1, .sample_type = PERF_SAMPLE_RAW,
					.enable_on_exec = on_exec };
	uint64_t id = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), TRACING "events/prey/%s/id", name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%" SCNu64, &id) != 1)
		return -1;
	fclose(f);
	attr.config = id;
	return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* As long as somebody is watched, the kernel keeps the handler. */
static void start_other(void)
{
	other = fork();
	if (other)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* An event that puts no breakpoint in; what it says is in ->ring. */
static int watch_unseen(const char *name)
{
	int fd = watch(name, prey->pid, true);

	if (fd >= 0)
		ring = mmap(NULL, 4096 + RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return ring == MAP_FAILED ? -1 : fd;
}

static _Noreturn void end(const char *result, const char *detail)
{
	if (ring != MAP_FAILED) {
		memcpy(samples, ring + 4096, RING);
		munmap(ring, 4096 + RING);
	}
	/* Before they are removed, nobody may be watched any more. */
	closefrom(3);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	knob_set(TRACING "uprobe_events", "-:prey/way\n", O_APPEND);
	knob_set(TRACING "uprobe_events", "-:prey/early\n", O_APPEND);
	prey_judge(samples, RING, result, detail);
}

static void at_return(bool shared)
{
	bool went_on;
	int first;

	if (!define_event("way", 'r', prey->inside, WORDS))
		end("refused", "the kernel takes no such event");
	first = watch("way", prey->pid, false);
	if (watch("way", other, false) < 0 || first < 0)
		end("refused", "perf_event_open() is refused");
	/* Not only because the machine did. */
	if (prey_stands(500) && prey_stands(500) && prey_stands(500))
		end("parked", "it stands still while there is a breakpoint");
	if (!prey_command(1, 2))
		exit(2);
	close(first);
	if (watch_unseen("way") < 0)
		end("refused", "perf_event_open() is refused");
	went_on = prey_goes_on();
	if (shared && !trace_functions(true))
		end("refused", "the kernel traces no such functions");
	prey->command = 2;
	usleep(500000);
	if (shared)
		trace_functions(false);
	if (!prey_command(2, 3))
		exit(2);
	usleep(500000);
	end(went_on ? "refused" : "parked", "it went on while there was a breakpoint");
}

static void before(void)
{
	bool goes_on;

	if (!define_event("early", 'p', prey->code, 0) || watch("early", prey->pid, false) < 0)
		end("refused", "the kernel takes no such event");
	if (!prey_command(1, 2) || !prey_command(2, 3))
		exit(2);
	if (!define_event("way", 'p', prey->code, WORDS) || watch("way", other, false) < 0 || watch_unseen("way") < 0)
		end("refused", "perf_event_open() is refused");
	goes_on = prey_goes_on();
	usleep(500000);
	end(goes_on ? "refused" : "parked", "a breakpoint from before");
}

int main(int argc, char **argv)
{
	bool early = argc == 3 && strcmp(argv[2], "early") == 0;

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], early ? "late" : "inside"))
		return 2;
	start_other();
	if (early)
		before();
	at_return(strcmp(argv[2], "shared") == 0);
	return 2;
}
