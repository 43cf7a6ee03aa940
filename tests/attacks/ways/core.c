// SPDX-License-Identifier: GPL-2.0-only
/*
 * Core files, with all kinds of mappings in them (coredump_filter):
 *	kernel		the victim gets SIGSEGV from outside, and the kernel writes its core file
 *	registers	the same while it computes with words of the secret in its registers
 *	fault		the victim gets it by its own doing: it jumps into the secret
 *	gcore		gdb attaches and writes one, also of what the kernel would leave out; the victim goes on
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../knob.h"
#include "prey.h"

#define CORE	"/dev/shm/core.prey"

/* The core file, once it is there. */
static unsigned char *look(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY);
	unsigned char *bytes;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || st.st_size < 4096) {
		fprintf(stderr, "%s: no core file\n", path);
		exit(2);
	}
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	unlink(path);
	*size = (size_t)st.st_size;
	return bytes;
}

static void with_kernel(bool fault)
{
	unsigned char *core;
	char path[64];
	size_t size;
	int status;

	snprintf(path, sizeof(path), "/proc/%d/coredump_filter", prey->pid);
	if (!knob_set("/proc/sys/kernel/core_pattern", CORE, 0) || !knob_set("/proc/sys/kernel/core_uses_pid", "0", 0) || !knob_set(path, "0xff", 0))
		exit(2);
	/* In the midst of its work. */
	usleep(300000);
	if (fault)
		prey->command = 1;
	else
		kill(prey->pid, SIGSEGV);
	if (waitpid(prey->pid, &status, __WALL) != prey->pid || WTERMSIG(status) != SIGSEGV || !WCOREDUMP(status))
		exit(2);
	prey->pid = 0;
	core = look(CORE, &size);
	/* Nobody is left to be intact. */
	if (prey_leaked(core, size))
		prey_tell("leak", "a core file of %zu bytes", size);
	prey_tell("refused", "a core file of %zu bytes, without it", size);
}

static void with_gdb(void)
{
	unsigned char *core;
	char command[256];
	size_t size;

	snprintf(command, sizeof(command), "timeout 60 gcore -a -o " CORE " %d >/dev/null 2>&1", prey->pid);
	if (system(command))
		exit(2);
	snprintf(command, sizeof(command), CORE ".%d", prey->pid);
	core = look(command, &size);
	/* gdb writes to the memory of what it attaches to, for breakpoints of its own. */
	prey_goes_on();
	prey_judge(core, size, prey->fault ? "refused" : "ciphertext", "gcore -a");
}

int main(int argc, char **argv)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	bool registers = argc == 3 && strcmp(argv[2], "registers") == 0;
	bool fault = argc == 3 && strcmp(argv[2], "fault") == 0;

	prey_setup();
	setrlimit(RLIMIT_CORE, &all);
	if (argc != 3 || !prey_start(argv[1], registers ? "compute" : fault ? "jump" : "loop"))
		return 2;
	if (strcmp(argv[2], "gcore") == 0)
		with_gdb();
	with_kernel(fault);
	return 2;
}
