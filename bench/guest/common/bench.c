// SPDX-License-Identifier: GPL-2.0-only
/* See bench.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define SECOND 1000000000ULL
#define TOTALS "/sys/kernel/debug/cryptmem/totals"

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

void sleep_until(uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

int device(void)
{
	int fd = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("%s", CRYPTMEM_DEVICE);
	return fd;
}

struct cryptmem_status status(int fd)
{
	struct cryptmem_status s = { .size = sizeof(s) };

	if (fd >= 0 && ioctl(fd, CRYPTMEM_IOC_STATUS, &s))
		die("CRYPTMEM_IOC_STATUS");
	return s;
}

struct cryptmem_status since(struct cryptmem_status before,
			     struct cryptmem_status after)
{
	after.seals -= before.seals;
	after.clean_seals -= before.clean_seals;
	after.unseals -= before.unseals;
	after.faults -= before.faults;
	after.evictions -= before.evictions;
	after.switch_seals -= before.switch_seals;
	after.seal_ns -= before.seal_ns;
	return after;
}

void set_window(int fd, unsigned int pages)
{
	struct cryptmem_query query = { .size = sizeof(query) };
	struct cryptmem_config config = { .size = sizeof(config) };

	if (ioctl(fd, CRYPTMEM_IOC_QUERY, &query))
		die("CRYPTMEM_IOC_QUERY");
	config.window = pages < query.window_min ? query.window_min : pages;
	if (ioctl(fd, CRYPTMEM_IOC_CONFIG, &config))
		die("CRYPTMEM_IOC_CONFIG: a window of %u pages", config.window);
}

void *region(int fd, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap: a region of %zu bytes", bytes);
	return p;
}

uint64_t total(const char *name)
{
	char key[64];
	uint64_t value;
	FILE *file = fopen(TOTALS, "r");

	if (!file) {
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
		file = fopen(TOTALS, "r");
	}
	if (!file)
		die("%s", TOTALS);
	while (fscanf(file, "%63s %" SCNu64, key, &value) == 2) {
		if (!strcmp(key, name)) {
			fclose(file);
			return value;
		}
	}
	errno = ENOENT;
	die("%s: %s", TOTALS, name);
}

void switches(uint64_t *voluntary, uint64_t *involuntary)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "r");

	*voluntary = *involuntary = 0;
	if (!file)
		die("/proc/self/status");
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "voluntary_ctxt_switches: %" SCNu64, voluntary);
		sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, involuntary);
	}
	fclose(file);
}

static pid_t child_of_ours(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

pid_t competitor(unsigned int hz)
{
	pid_t child = child_of_ours();
	uint64_t at;

	if (child)
		return child;
	for (at = now();; at += SECOND / hz)
		sleep_until(at);
}

static struct {
	volatile uint64_t *count;
	double each;	/* instructions for one */
	pid_t pid;
} spinner;

void spinner_go(void)
{
	kill(spinner.pid, SIGCONT);
}

void spinner_stop(void)
{
	kill(spinner.pid, SIGSTOP);
}

double spinner_had(void)
{
	return *spinner.count * spinner.each;
}

void spinner_init(void)
{
	const uint64_t while_ns = 50000000;
	uint64_t before, until;

	spinner.count = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (spinner.count == MAP_FAILED)
		die("mmap");
	spinner.pid = child_of_ours();
	if (!spinner.pid)
		for (;;)
			++*spinner.count;
	sleep_until(now() + while_ns / 10);
	/* The ticks and whatever else there is beside it are in the price. */
	before = *spinner.count;
	until = now() + while_ns;
	sleep_until(until);
	spinner.each = (double)while_ns / (*spinner.count - before);
	spinner_stop();
}

void end(pid_t child)
{
	kill(child, SIGKILL);
	if (waitpid(child, NULL, 0) != child)
		die("waitpid");
}

void in_child(void (*fn)(void *arg), void *arg)
{
	pid_t child = child_of_ours();
	int how;

	if (!child) {
		fn(arg);
		exit(0);
	}
	if (waitpid(child, &how, 0) != child)
		die("waitpid");
	if (how) {
		fprintf(stderr, "a child ended with status %#x\n", how);
		exit(1);
	}
}

bool rehearsal;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	va_list args;

	if (rehearsal)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

/* JSON. Names and texts are ours: nothing in them to escape. */
void record_begin(const char *what)
{
	say("{\"what\": \"%s\"", what);
}

void field(const char *name, uint64_t value)
{
	say(", \"%s\": %" PRIu64, name, value);
}

void field_text(const char *name, const char *value)
{
	say(", \"%s\": \"%s\"", name, value);
}

void field_real(const char *name, double value)
{
	say(", \"%s\": %.9g", name, value);
}

void field_cipher(int fd)
{
	struct cryptmem_query query = { .size = sizeof(query) };

	if (ioctl(fd, CRYPTMEM_IOC_QUERY, &query))
		die("CRYPTMEM_IOC_QUERY");
	field_text("cipher", query.cipher);
}

void field_counts(const struct cryptmem_status *counts)
{
	field("seals", counts->seals);
	field("clean_seals", counts->clean_seals);
	field("unseals", counts->unseals);
	field("faults", counts->faults);
	field("evictions", counts->evictions);
	field("switch_seals", counts->switch_seals);
	field("seal_ns", counts->seal_ns);
	field("seal_ns_max", counts->seal_ns_max);
	field("window", counts->window);
	field("window_pages", counts->window_pages);
}

void record_end(void)
{
	say("}\n");
	fflush(stdout);
}
