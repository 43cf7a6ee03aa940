// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"

#define SITES	200

static struct counts {
	volatile bool end;
	volatile unsigned int asked, answered;	/* when it was asked how far it is, and is at the log's end */
	volatile unsigned long failures;
	unsigned long here, lost;
	struct {
		char name[48];
		unsigned long times;
	} site[SITES];
} *counts;

static pid_t reader;

static void count(const char *name)
{
	for (unsigned int i = 0; i < SITES; i++) {
		if (!counts->site[i].name[0])
			snprintf(counts->site[i].name, sizeof(counts->site[i].name), "%s", name);
		if (strcmp(counts->site[i].name, name) == 0) {
			counts->site[i].times++;
			return;
		}
	}
}

/* One line of a stack is " cm_window_bring_in+0x12/0x345 [cryptmem]"; a '?' before it is what the unwinder is not sure of. */
static void look(char *line, bool *open)
{
	char name[48];

	if (strstr(line, "FAULT_INJECTION: forcing a failure")) {
		counts->failures++;
		*open = true;
	} else if (*open && strstr(line, "[cryptmem]") && !strchr(line, '?') && sscanf(line, " %47[^+ ]", name) == 1) {
		counts->here++;
		count(name);
		*open = false;
	} else if (strstr(line, "</TASK>")) {
		*open = false;
	}
}

static void follow(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	char record[8192], *line;
	bool open_stack = false;
	ssize_t n;

	lseek(fd, 0, SEEK_END);
	for (;;) {
		unsigned int asked = counts->asked;

		n = read(fd, record, sizeof(record) - 1);
		if (n > 0) {
			record[n] = 0;
			line = strchr(record, ';');
			look(line ? line + 1 : record, &open_stack);
		} else if (n < 0 && errno == EPIPE) {
			counts->lost++;
		} else if (counts->end) {
			_exit(0);
		} else {
			counts->answered = asked;
			usleep(1000);
		}
	}
}

/* For failures in a row: of the tasks that ask for it, always, and those, too, that may wait for memory. */
static bool prepare(const char *kind)
{
	char path[96];
	const char *const settings[][2] = { { "task-filter", "Y" }, { "probability", "100" }, { "interval", "1" }, { "times", "0" },
					    { "verbose", "2" }, { "ignore-gfp-wait", "N" } };

	for (unsigned int i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, settings[i][0]);
		if (!victim_set(path, settings[i][1]))
			return false;
	}
	if (strcmp(kind, "failslab") == 0)
		return true;
	/* Those of one page, too, and those that the kernel need not have mapped: the store's are such. */
	return victim_set("/sys/kernel/debug/fail_page_alloc/min-order", "0") && victim_set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
}

bool log_prepare(void)
{
	bool good = prepare("failslab") && prepare("fail_page_alloc");

	if (!good)
		fprintf(stderr, "this kernel cannot make allocations fail: see scripts/kernel-debug\n");
	return good;
}

void log_start(void)
{
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	reader = fork();
	if (reader == 0)
		follow();
}

unsigned long log_failures(void)
{
	unsigned int asked = ++counts->asked;

	while (counts->answered != asked)
		usleep(1000);
	return counts->failures;
}

bool log_end(void)
{
	counts->end = true;
	waitpid(reader, NULL, 0);
	printf("# %lu failures in the log, %lu of them in calls of the module:\n", counts->failures, counts->here);
	if (counts->lost)
		printf("# the log was overwritten %lu times: there were more\n", counts->lost);
	for (unsigned int i = 0; i < SITES && counts->site[i].name[0]; i++)
		printf("# failed in %s %lu\n", counts->site[i].name, counts->site[i].times);
	return counts->here;
}
