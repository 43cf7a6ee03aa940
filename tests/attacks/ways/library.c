// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes code to the file of a library that the victim has mapped: nothing is written to the victim, but it maps the file's pages. A file
 * that is executed cannot be written to (ETXTBSY), a library can.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../machine.h"
#include "prey.h"

static char copy[64];	/* of the C library, for the victim: it stands for the one on the disk, which root may write to as well */

static void find_libc(char *file, uint64_t *offset)
{
	char line[512], name[256];
	uint64_t from, to, at, wanted = (uintptr_t)dlsym(RTLD_DEFAULT, "usleep");
	FILE *maps = fopen("/proc/self/maps", "r");

	*offset = 0;
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %255s", &from, &to, &at, name) == 4 && wanted >= from && wanted < to) {
			*offset = wanted - from + at;
			strcpy(file, name);
		}
	if (!maps || !*offset)
		exit(2);
	fclose(maps);
}

static void copy_library(void)
{
	char file[256], command[400];
	uint64_t offset;

	find_libc(file, &offset);
	strcpy(copy, "/dev/shm/lib.XXXXXX");
	if (!mkdtemp(copy))
		exit(2);
	snprintf(command, sizeof(command), "cp %s %s/libc.so.6", file, copy);
	if (system(command))
		exit(2);
	setenv("LD_LIBRARY_PATH", copy, 1);
}

/* usleep() is what the victim calls in each round. */
static void library(void)
{
	char file[256], command[100];
	uint64_t offset;
	int fd;

	find_libc(file, &offset);
	snprintf(file, sizeof(file), "%s/libc.so.6", copy);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, machine_jump(prey->confess), MACHINE_JUMP, (off_t)offset) != MACHINE_JUMP)
		perror(file);
	close(fd);
	snprintf(command, sizeof(command), "rm -r %s", copy);
	unsetenv("LD_LIBRARY_PATH");
	if (system(command))
		exit(2);
}

int main(int argc, char **argv)
{
	prey_setup();
	copy_library();
	if (argc != 2 || !prey_start(argv[1], "loop"))
		return 2;
	library();
	for (int i = 0; i < 20000 && !prey_leaked(prey->loot, PREY_ENOUGH) && !prey->fault; i++)
		usleep(1000);
	prey_judge(NULL, 0, "refused", "written to the file");
}
