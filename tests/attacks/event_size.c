// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2: an event that takes a string along is as long as the string, whether the string itself could be had or not: its length is asked for first.
 * That would tell where in a secret the zeros are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

#define TRACING	"/sys/kernel/tracing/"
#define EVENT	TRACING "events/size/way/"
#ifdef __x86_64__
#define CALL	"__x64_sys_getppid"
#else
#define CALL	"__arm64_sys_getppid"
#endif
#define SHORT	64
#define LONG	1024

static void empty_trace(void)
{
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
}

/* ->command: how many bytes are to be there before the first zero. ->rounds: where. */
static pid_t start(bool protect)
{
	pid_t pid = fork();
	char *page;

	if (pid)
		return pid;
	page = protect ? victim_region(1, NULL) : malloc(4096);
	shared->rounds = (long)page;
	shared->ready = 1;
	for (;;) {
		int length = shared->command;

		memset(page, 0, 4096);
		memset(page, 'x', (size_t)length);
		shared->ready = 1;
		while (shared->command == length) {
			*(volatile char *)page;
			getppid();
			usleep(100);
		}
	}
}

/* Of the events that are in the kernel's buffers, how many there are, or how many bytes they take. */
static long total(const char *what)
{
	char path[96], line[128];
	long sum = 0;
	FILE *f;

	for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		snprintf(path, sizeof(path), TRACING "per_cpu/cpu%ld/stats", cpu);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			if (strncmp(line, what, strlen(what)) == 0)
				sum += atol(line + strlen(what));
		if (f)
			fclose(f);
	}
	return sum;
}

/* How long an event is when the string is; 0: there was none. */
static long size_for(int length)
{
	long entries;

	shared->ready = 0;
	shared->command = length;
	victim_wait(&shared->ready);
	empty_trace();
	if (!victim_set(EVENT "enable", "1"))
		return 0;
	usleep(300000);
	victim_set(EVENT "enable", "0");
	entries = total("entries:");
	return entries ? total("bytes:") / entries : 0;
}

/* The difference that the length makes to the size. -1: there are no such events. */
static long difference(bool protect)
{
	char text[160];
	long few, many;
	pid_t victim = start(protect);

	victim_wait(&shared->ready);
	snprintf(text, sizeof(text), "p:size/way " CALL " s=+u0(\\%#lx):ustring\n", shared->rounds);
	if (!victim_set(TRACING "kprobe_events", text)) {
		tap_note("the kernel takes no such event: %s", text);
		victim_end(victim);
		return -1;
	}
	snprintf(text, sizeof(text), "common_pid == %d", victim);
	victim_set(EVENT "filter", text);
	few = size_for(SHORT);
	many = size_for(LONG);
	tap_note("%s: %d bytes: events of %ld; %d bytes: of %ld", protect ? "protected" : "ordinary", SHORT, few, LONG, many);
	victim_set(TRACING "kprobe_events", "-:size/way\n");
	empty_trace();
	victim_end(victim);
	return few && many ? many - few : -1;
}

int main(void)
{
	victim_setup();
	ok(difference(false) >= (LONG - SHORT) / 2, "control: an event tells how many bytes of ordinary memory there are before the first zero");
	ok(difference(true) == 0, "it does not of protected memory");
	return tap_done();
}
