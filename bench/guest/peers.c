// SPDX-License-Identifier: GPL-2.0-only
/*
 * peers METHOD MS RATE COMPETITOR: a secret of 32 bytes, kept by METHOD (peers/memory.h), authenticates messages of 1 KiB with HMAC-SHA-256: one after
 * the other (RATE `closed`), or so many a second. A JSON object: count, and busy_ns, the time that was not left to others.
 *
 * With a rate that is what a process of the lowest priority (SCHED_IDLE), which counts, gets less of in that time than when it is alone; so all is
 * in it: the work, waking up for it, and what its switches cost whomever.
 */
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bench.h"
#include "common/load.h"
#include "peers/memory.h"

#define KEY	32
#define BATCH	20

static unsigned char message[1024];

static void use(void)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	peer_open();
	crypto_auth_hmacsha256(mac, message, sizeof(message), peer_secret);
	peer_close();
	message[0] ^= mac[0];
}

static int batch(void *unused)
{
	(void)unused;
	for (int i = 0; i < BATCH; i++)
		use();
	return 0;
}

/* Counts for ever. Ends with its parent. */
static volatile uint64_t *start_soaker(void)
{
	volatile uint64_t *count = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sched_param param = { 0 };
	pid_t pid = fork();

	if (pid < 0 || count == MAP_FAILED)
		die("fork");
	if (pid)
		return count;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		die("SCHED_IDLE");
	for (;;)
		(*count)++;
}

static uint64_t soaked(volatile uint64_t *count, uint64_t ns, unsigned int rate)
{
	uint64_t start = now(), before = *count;

	for (uint64_t at = start; at < start + ns; sleep_until(at)) {
		at += rate ? 1000000000 / rate : ns;
		if (rate)
			use();
	}
	return *count - before;
}

static void paced(uint64_t ns, unsigned int rate)
{
	volatile uint64_t *count = start_soaker();
	uint64_t alone, beside, uses = ns * rate / 1000000000;
	struct look from, to;

	soaked(count, ns / 5, rate);
	alone = soaked(count, ns, 0);
	soaked(count, ns / 20, rate);
	look_at(getpid(), &from);
	beside = soaked(count, ns, rate);
	look_at(getpid(), &to);
	printf("{%s, \"pace\": \"%u\", \"competitor\": 0, \"count\": %llu, \"busy_ns\": %.0f, ", getenv("LABELS"), rate, (unsigned long long)uses,
	       (double)ns * (1 - (double)beside / (double)alone));
	print_difference(&from, &to);
	printf("}\n");
}

int main(int argc, char **argv)
{
	char self[] = "0", labels[64];
	const char *method = argv[1];
	unsigned long ms;

	if (argc != 5) {
		fprintf(stderr, "usage: peers METHOD MS RATE COMPETITOR\n");
		return 2;
	}
	snprintf(labels, sizeof(labels), "\"method\": \"%s\"", method);
	setenv("LABELS", labels, 1);
	if (peer_have(method, KEY))
		die("%s", method);
	memset(peer_secret, 0x5a, KEY);
	peer_close();
	ms = strtoul(argv[2], NULL, 10);
	if (atoi(argv[3])) {
		paced(ms * 1000000, (unsigned int)atoi(argv[3]));
		return 0;
	}
	argv[1] = self;
	return load_run(argv + 1, batch, NULL, BATCH);
}
