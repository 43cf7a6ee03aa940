// SPDX-License-Identifier: GPL-2.0-only
/*
 * The victim's descriptors: steal (pidfd_getfd), reopen (/proc/PID/fd), map_files (/proc/PID/map_files, opened); each of them is mapped
 * and read. malloc has no descriptor, so a memfd shows that this works.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prey.h"

static int tried, got;
static bool leaked;

static void look(int fd)
{
	static unsigned char bytes[PREY_BYTES];
	void *map;

	if (fd < 0)
		return;
	got++;
	/* A private map as well: a driver may know only one of the two. */
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		map = mmap(NULL, PREY_BYTES, PROT_READ, flags, fd, 0);
		if (map == MAP_FAILED)
			continue;
		/* By write(): what lies behind the end of a file is EFAULT then, no signal. */
		for (size_t i = 0; i < PREY_BYTES; i += 4096) {
			int pipes[2];

			if (pipe(pipes))
				exit(2);
			if (write(pipes[1], (char *)map + i, 4096) == 4096 && read(pipes[0], bytes, 4096) == 4096)
				leaked |= prey_leaked(bytes, 4096);
			close(pipes[0]);
			close(pipes[1]);
		}
		munmap(map, PREY_BYTES);
	}
	if (pread(fd, bytes, PREY_BYTES, 0) > 0)
		leaked |= prey_leaked(bytes, PREY_BYTES);
	close(fd);
}

static void each(const char *dir, bool steal)
{
	int pidfd = (int)syscall(SYS_pidfd_open, prey->pid, 0);
	char path[512];
	struct dirent *entry;
	DIR *list;

	snprintf(path, sizeof(path), "/proc/%d/%s", prey->pid, dir);
	list = opendir(path);
	while (list && (entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		tried++;
		snprintf(path, sizeof(path), "/proc/%d/%s/%s", prey->pid, dir, entry->d_name);
		if (steal)
			look((int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0));
		else
			look(open(path, O_RDONLY | O_NONBLOCK));
		if (!steal)
			look(open(path, O_RDWR | O_NONBLOCK));
	}
	if (list)
		closedir(list);
	close(pidfd);
}

int main(int argc, char **argv)
{
	char detail[100];

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], "loop"))
		return 2;
	each(strcmp(argv[2], "map_files") == 0 ? "map_files" : "fd", strcmp(argv[2], "steal") == 0);
	snprintf(detail, sizeof(detail), "%d of %d descriptors were had", got, tried);
	if (leaked)
		prey_tell("leak", "%s", detail);
	prey_judge(NULL, 0, "refused", detail);
}
