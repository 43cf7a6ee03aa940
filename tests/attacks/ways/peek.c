// SPDX-License-Identifier: GPL-2.0-only
/* PTRACE_PEEKDATA: attach (stopped by SIGSTOP), seize (stopped by PTRACE_INTERRUPT), all (every thread is stopped). */
#include <string.h>
#include <sys/ptrace.h>

#include "prey.h"
#include "tracer.h"

int main(int argc, char **argv)
{
	static unsigned char bytes[PREY_BYTES];
	size_t n;

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], "loop"))
		return 2;
	if (strcmp(argv[2], "attach") == 0) {
		if (ptrace(PTRACE_ATTACH, prey->pid, 0, 0) || !tracer_wait(prey->pid, 5000))
			return 2;
	} else if (strcmp(argv[2], "seize") == 0) {
		if (!tracer_stop(prey->pid))
			return 2;
	} else {
		if (!tracer_stop_all(prey->pid) || !prey_stands(400))
			return 2;
	}
	n = tracer_peek(prey->pid, prey->secret, bytes, sizeof(bytes));
	tracer_detach_all();
	ptrace(PTRACE_DETACH, prey->pid, 0, 0);
	prey_judge(bytes, sizeof(bytes), n ? "ciphertext" : "refused", "PTRACE_PEEKDATA");
}
