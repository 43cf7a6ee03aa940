// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes onto the secret: poke (PTRACE_POKEDATA), mem (/proc/PID/mem), writev (process_vm_writev). Here a leak is that the victim
 * finds the attacker's bytes there. That it is intact or locked otherwise is judged as ever.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "prey.h"
#include "tracer.h"

#define MINE	4096	/* so many bytes, one value for all */

int main(int argc, char **argv)
{
	static unsigned char bytes[MINE];
	struct iovec local = { bytes, MINE }, remote = { NULL, MINE };
	bool written;

	memset(bytes, 0xa5, MINE);
	prey_setup();
	if (argc != 3 || !prey_start(argv[1], "loop"))
		return 2;
	remote.iov_base = (void *)(uintptr_t)prey->secret;
	if (strcmp(argv[2], "poke") == 0) {
		if (!tracer_stop(prey->pid))
			return 2;
		written = tracer_poke(prey->pid, prey->secret, bytes, MINE) > 0;
		tracer_detach(prey->pid);
	} else if (strcmp(argv[2], "mem") == 0) {
		written = tracer_write_mem(prey->pid, prey->secret, bytes, MINE);
	} else {
		written = process_vm_writev(prey->pid, &local, 1, &remote, 1, 0) > 0;
	}
	prey_lives();
	if (prey->wrong)
		prey_tell("leak", "%ld rounds found other bytes than the secret", prey->wrong);
	prey_judge(NULL, 0, written ? "broken" : "refused", written ? "the write was said to be done" : "the write was refused");
}
