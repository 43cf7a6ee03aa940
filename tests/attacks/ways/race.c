// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads again and again, on one CPU, while two threads of the victim compute with the secret on others.
 *	mem readv	through /proc/PID/mem, with process_vm_readv()
 *	seized		the first, attached to one thread that is never stopped
 *	storm		attached, stopped, read with PTRACE_PEEKDATA, let go on, stopped and left: a thousand times, or for some seconds
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "prey.h"
#include "tracer.h"

#define SECONDS	4
#define STORM	1000

static unsigned char bytes[4096];

static size_t look(const char *how, int mem, uint64_t at)
{
	struct iovec local = { bytes, sizeof(bytes) }, remote = { (void *)(uintptr_t)at, sizeof(bytes) };
	ssize_t n;

	if (strcmp(how, "storm") == 0)
		return tracer_peek(prey->pid, at, bytes, 64);
	if (strcmp(how, "readv") == 0)
		n = process_vm_readv(prey->pid, &local, 1, &remote, 1, 0);
	else
		n = pread(mem, bytes, sizeof(bytes), (off_t)at);
	return n > 0 ? (size_t)n : 0;
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[2] : "";
	bool storm = strcmp(how, "storm") == 0, seized = strcmp(how, "seized") == 0;
	char detail[100], path[64];
	time_t end;
	long looks = 0, got = 0, rounds;
	int mem;

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], "busy"))
		return 2;
	snprintf(path, sizeof(path), "/proc/%d/mem", prey->pid);
	mem = open(path, O_RDONLY);
	rounds = prey->rounds;
	if (seized && ptrace(PTRACE_SEIZE, prey->pid, 0, 0))
		return 2;
	end = time(NULL) + (storm ? 5 : 1) * SECONDS;
	for (; time(NULL) < end && (!storm || looks < STORM); looks++) {
		size_t n;

		if (storm && !tracer_stop(prey->pid))
			break;
		n = look(how, mem, prey->secret + (uint64_t)(looks % PREY_PAGES) * 4096 + (uint64_t)(storm ? looks % 64 * 64 : 0));
		got += n > 0;
		if (storm) {
			ptrace(PTRACE_CONT, prey->pid, 0, 0);
			usleep((unsigned int)(looks * 37 % 300));
			tracer_detach(prey->pid);
			usleep((unsigned int)(looks * 53 % 300));
		}
		if (prey_leaked(bytes, n))
			prey_tell("leak", "at look %ld", looks + 1);
	}
	rounds = prey->rounds - rounds;
	if (seized)
		tracer_detach(prey->pid);
	snprintf(detail, sizeof(detail), "%ld looks, %ld of which gave something, in %ld rounds of the victim", looks, got, rounds);
	/* Had it stood still all the time, this would have been no race. */
	prey_judge(NULL, 0, rounds < 2 && !seized ? "broken" : got ? "ciphertext" : "refused", detail);
}
