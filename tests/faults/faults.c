// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module does when memory cannot be had: every allocation that a scenario's system calls and faults make (the kernel's own among
 * them) fails in turn, first one at a time (/proc/thread-self/fail-nth), then several in a row, from the first on and from later ones on: what
 * is tried again with more patience fails again. Each time the caller gets an errno, or is
 * itself killed; what it had is still there, nobody else can read it, and an owner elsewhere loses nothing. Needs a kernel of
 * scripts/kernel-debug. tests/faults/log.c counts in which functions of the module there was a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/bystander.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"
#include "log.h"
#include "world.h"

/* Acts that do not return cannot say when nothing failed any more. */
#define MANY	100
#define MOST	2000
/* From one beginning of failures to the next, bytes of what is allocated before; and so many in a row then. */
#define STEP	192
#define STEPS	150
#define ROW	4
/* A world that does not end by itself, seconds */
#define PATIENCE	60

/* What a world says of itself. */
static struct report {
	bool injected;	/* something failed */
	bool acted;	/* and the act returned */
	int result;
	char wrong[120];
} *report;

/* What happened in one scenario, over all failures. */
struct tally {
	unsigned int injected, served, errors, killed;
	unsigned int errnos[256];
	char wrong[160];
};

/* What the manual pages promise where memory is lacking, or the program's own cannot be read. */
static bool expected(int err)
{
	return err == ENOMEM || err == EFAULT || err == EAGAIN || err == WORLD_SIGBUS;
}

/* Opened before anything fails. */
struct switches {
	int nth, ours, slab, pages, space;
};

/* Which allocations fail. */
struct plan {
	unsigned int nth;	/* this one alone, from 1 on; or, 0: */
	unsigned int burst;	/* so many in a row */
	unsigned int after;	/* after so many bytes */
};

static void set(int fd, unsigned int value)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", value);

	/* The copy of it may be what fails: once. */
	if (write(fd, text, (size_t)length) != length && write(fd, text, (size_t)length) != length)
		_exit(WORLD_NONE);
}

static void switches_open(struct switches *s)
{
	s->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	s->ours = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
	s->slab = open("/sys/kernel/debug/failslab/times", O_RDWR | O_CLOEXEC);
	s->pages = open("/sys/kernel/debug/fail_page_alloc/times", O_RDWR | O_CLOEXEC);
	s->space = open("/sys/kernel/debug/failslab/space", O_WRONLY | O_CLOEXEC);
}

/* -1: it could not be asked. The copy to or from here may fail, too. Files of debugfs have no positions, and can be asked once. */
static int get(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0 && errno == ESPIPE)
		n = read(fd, text, sizeof(text) - 1);
	return n > 0 ? atoi(text) : -1;
}

static void arm(const struct switches *s, const struct plan *plan)
{
	if (plan->nth) {
		set(s->nth, plan->nth);
		return;
	}
	set(s->slab, plan->burst);
	/* Pages are counted by themselves. */
	set(s->pages, plan->after ? 0 : plan->burst);
	set(s->space, plan->after);
	set(s->ours, 1);
}

/* What is left of so many failures, if that is known. */
static bool is_less(int left, unsigned int times)
{
	return left >= 0 && (unsigned int)left < times;
}

/* Whether something has failed. */
static bool disarm(const struct switches *s, const struct plan *plan)
{
	bool failed;

	if (plan->nth) {
		failed = get(s->nth) == 0;
		set(s->nth, 0);
		return failed;
	}
	set(s->ours, 0);
	failed = is_less(get(s->slab), plan->burst) || is_less(get(s->pages), plan->after ? 0 : plan->burst);
	set(s->slab, 0);
	set(s->pages, 0);
	set(s->space, 0);
	return failed;
}

/* In a process of its own. */
static void live(const struct scenario *s, const struct plan *plan)
{
	struct switches switches;
	struct world w;

	setpgid(0, 0);
	alarm(PATIENCE);
	world_set_up(&w, s->ready);
	switches_open(&switches);
	arm(&switches, plan);
	report->result = s->act(&w);
	report->injected = disarm(&switches, plan);
	report->acted = true;
	if (report->result == WORLD_WRONG)
		strcpy(report->wrong, "it was told something that is not so");
	else if (report->result && !expected(report->result))
		snprintf(report->wrong, sizeof(report->wrong), "%s is not what a lack of memory gives",
			 strerrorname_np(report->result) ?: "it");
	else
		world_is_right(&w, report->wrong, sizeof(report->wrong));
	_exit(0);
}

static bool is_end(int status)
{
	return status == 0 || status == WORLD_ENDS || status == WORLD_NO_LOADER;
}

/* Whether the next one is worth trying. */
static bool try(const struct scenario *s, struct plan plan, struct tally *t)
{
	int status;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	pid = fork();
	if (pid == 0)
		live(s, &plan);
	waitpid(pid, &status, 0);
	/* Had it children when it was killed, they are ours now. */
	while (kill(-pid, SIGKILL) == 0 && waitpid(-pid, NULL, __WALL) > 0)
		continue;
	t->injected += report->injected || (!s->ends && !report->acted);
	if (report->acted) {
		t->served += report->injected && !report->result;
		t->errors += report->result != 0;
		t->errnos[report->result & 0xff]++;
		if (report->result && !report->injected)
			strcpy(report->wrong, "an error, although nothing had failed");
	} else if (WIFSIGNALED(status)) {
		t->killed++;
		if (WTERMSIG(status) == SIGALRM)
			strcpy(report->wrong, "it hangs");
	} else if (s->ends && is_end(WEXITSTATUS(status))) {
		t->served += !WEXITSTATUS(status);
		t->errors += WEXITSTATUS(status) != 0;
	} else {
		snprintf(report->wrong, sizeof(report->wrong), "it ends with status %d", WEXITSTATUS(status));
	}
	if (report->wrong[0] && !t->wrong[0])
		snprintf(t->wrong, sizeof(t->wrong), "failure %u (%u after %u bytes): %s", plan.nth, plan.burst, plan.after, report->wrong);
	return report->injected || !report->acted;
}

static void tell(const struct scenario *s, const struct tally *t)
{
	char errnos[128] = "";
	size_t used = 0;

	for (unsigned int i = 1; i < 256; i++)
		if (t->errnos[i] && used < sizeof(errnos) - 32)
			used += (size_t)snprintf(errnos + used, sizeof(errnos) - used, " %s %u",
						 i == WORLD_SIGBUS ? "SIGBUS" : strerrorname_np((int)i) ?: "?", t->errnos[i]);
	ok(!t->wrong[0] && (t->injected || s->frugal), "%s: %u times something failed: served %u, errors %u (%s ), killed %u%s%s", s->name, t->injected,
	   t->served, t->errors, errnos, t->killed, t->wrong[0] ? ": " : "", t->wrong);
}

static void in_turn(const struct scenario *s)
{
	static const unsigned int bursts[] = { 1, 2, 3, 5, 8, 13, 40, 100 };
	struct tally t = { 0 };
	unsigned int nth = 1, step = 1;
	unsigned long failures = log_failures();

	while (nth < (s->ends ? MANY : MOST) && try(s, (struct plan){ .nth = nth }, &t))
		nth++;
	for (unsigned int i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
		try(s, (struct plan){ .burst = bursts[i] }, &t);
	while (!s->forks && step < (s->ends ? MANY : STEPS) && try(s, (struct plan){ .burst = ROW, .after = step * STEP }, &t))
		step++;
	if (s->ends)
		t.injected = (unsigned int)(log_failures() - failures);
	else if (nth == MOST && !t.wrong[0])
		snprintf(t.wrong, sizeof(t.wrong), "it asks for memory more than %d times, or is always killed", MOST);
	/* And with nothing that fails. */
	failures = t.errors + t.killed;
	try(s, (struct plan){ 0 }, &t);
	if (t.errors + t.killed > failures && !t.wrong[0])
		strcpy(t.wrong, "it fails, although no allocation does");
	tell(s, &t);
}

int main(int argc, char **argv)
{
	char text[128];
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!log_prepare())
		return 2;
	victim_setup();
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	log_start();
	bystander_start();
	for (const struct scenario *s = scenarios; s->name; s++)
		if (argc < 2 || strstr(s->name, argv[1]))
			in_turn(s);
	good = bystander_end(text, sizeof(text));
	ok(good, "an owner elsewhere has lost nothing: %s", text);
	/* One scenario by itself may be one that has none there. */
	ok(log_end() || argc > 1, "some have failed in the module");
	return tap_done();
}
