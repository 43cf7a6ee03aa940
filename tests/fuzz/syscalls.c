// SPDX-License-Identifier: GPL-2.0-only
/*
 * syscalls [--ops N] [--trace] [FIRST[-LAST]...]: a fuzzer for what a program can ask of regions. For each seed a process does N operations
 * that follow from the seed alone, and compares contents and outcomes with a model: see model.h, ops_memory.c, ops_tasks.c. A mismatch is
 * told with its seed and operation; the same seed with --trace shows how it came about, --ops cuts it short. Seeds that have an odd number
 * have threads beside them, that work on memory of their own: what these do when is not repeatable.
 *
 * A seed may be followed by :N, its number of operations. Without seeds: 1-20. Run where the module is loaded. TAP.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "ops.h"

/* A seed that takes longer hangs: seconds */
#define PATIENCE	300
#define NOISE_PAGES	12UL

static unsigned long ops_per_seed = 250;
static volatile bool stop;

static const struct op *choose(struct world *w)
{
	static const struct op *const tables[] = { ops_memory, ops_tasks };
	unsigned long total = 0, at;

	for (int t = 0; t < 2; t++)
		for (const struct op *op = tables[t]; op->name; op++)
			total += op->weight;
	at = model_any(w, total);
	for (int t = 0; t < 2; t++)
		for (const struct op *op = tables[t]; op->name; op++) {
			if (at < op->weight)
				return op;
			at -= op->weight;
		}
	return NULL;
}

void ops_run(struct world *w, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		const struct op *op = choose(w);

		if (!w->depth)
			w->op = i;
		w->name = op->name;
		if (tracing)
			fprintf(stderr, "# %lu%s: %s\n", w->op, w->depth ? " (child)" : "", op->name);
		op->run(w);
		report->ops++;
	}
}

/* Others of the same process, on memory of their own. */
static void *noise(void *arg)
{
	struct world w = *(struct world *)arg;
	unsigned char *region;
	unsigned long round = 0;

	w.name = "noise";
	/* Not the other one's descriptor: that one closes it. */
	w.device = -1;
	ops_open_device(&w);
	region = mmap(NULL, NOISE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w.device, 0);
	expect(&w, region != MAP_FAILED, "mmap: %m");
	for (; !stop; round++) {
		for (size_t i = 0; i < NOISE_PAGES; i++) {
			unsigned long *word = (unsigned long *)(region + i * PAGE + 8 * i);

			expect(&w, *word == (round ? round * NOISE_PAGES + i : 0), "page %zu has %#lx in round %lu", i, *word, round);
			*word = (round + 1) * NOISE_PAGES + i;
		}
		usleep((unsigned int)(round % 7) * 100);
	}
	return NULL;
}

static void live(unsigned long seed, unsigned long count)
{
	static struct world w;
	pthread_t thread[2] = { 0 };

	/* This one is to be ended as a whole. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	model_start(&w, seed);
	w.device = -1;
	w.file = memfd_create("fuzz", MFD_CLOEXEC);
	expect(&w, w.file >= 0 && !pipe(w.pipe), "no files: %m");
	ops_open_device(&w);
	if (seed & 1) {
		w.noise = true;
		for (int i = 0; i < 2; i++)
			expect(&w, !pthread_create(&thread[i], NULL, noise, &w), "no thread");
	}
	ops_run(&w, count);
	w.name = "end";
	model_check_all(&w);
	stop = true;
	for (int i = 0; w.noise && i < 2; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

/* False when there was a mismatch, which is then in the report. */
static bool run(unsigned long seed, unsigned long count)
{
	pid_t pid;
	int status;

	report->text[0] = 0;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		live(seed, count);
	for (int i = 0; i < PATIENCE * 100 && waitpid(pid, &status, WNOHANG) != pid; i++) {
		usleep(i < 100 ? 1000 : 10000);
		if (i == PATIENCE * 100 - 1)
			snprintf(report->text, sizeof(report->text), "seed %lu hangs", seed);
	}
	kill(-pid, SIGKILL);
	if (!strstr(report->text, "hangs") && (!WIFEXITED(status) || WEXITSTATUS(status)) && !report->text[0])
		snprintf(report->text, sizeof(report->text), "seed %lu: ended with status %#x", seed, status);
	else if (strstr(report->text, "hangs"))
		waitpid(pid, NULL, 0);
	return !report->text[0];
}

static void run_range(const char *range)
{
	unsigned long first, last, count = ops_per_seed, done = report->ops;
	unsigned int wrong = 0;
	char *end;

	first = last = strtoul(range, &end, 10);
	if (*end == '-')
		last = strtoul(end + 1, &end, 10);
	if (*end == ':')
		count = strtoul(end + 1, &end, 10);
	if (*end || last < first) {
		fprintf(stderr, "not a seed, nor a range of seeds: %s\n", range);
		exit(2);
	}
	for (unsigned long seed = first; seed <= last; seed++)
		if (!run(seed, count)) {
			wrong++;
			tap_note("%s", report->text);
		}
	ok(!wrong, "seeds %s: %lu operations, %u seeds with a mismatch", range, report->ops - done, wrong);
}

int main(int argc, char **argv)
{
	int i;

	if (argc == 2 && strcmp(argv[1], "--nothing") == 0)
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--trace") == 0) {
			tracing = true;
		} else if (strcmp(argv[i], "--ops") == 0 && i + 1 < argc) {
			ops_per_seed = strtoul(argv[++i], NULL, 10);
		} else {
			fprintf(stderr, "usage: syscalls [--ops N] [--trace] [FIRST[-LAST][:OPS]...]\n");
			return 2;
		}
	}
	if (i == argc)
		run_range("1-20");
	for (; i < argc; i++)
		run_range(argv[i]);
	return tap_done();
}
