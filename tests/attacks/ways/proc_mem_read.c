// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/mem is read where the secret is. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "prey.h"

int main(int argc, char **argv)
{
	static unsigned char bytes[PREY_BYTES];
	char path[64];
	ssize_t n;
	int fd;

	prey_setup();
	if (argc != 2 || !prey_start(argv[1], "loop"))
		return 2;
	snprintf(path, sizeof(path), "/proc/%d/mem", prey->pid);
	fd = open(path, O_RDONLY);
	n = pread(fd, bytes, sizeof(bytes), (off_t)prey->secret);
	prey_judge(bytes, n > 0 ? (size_t)n : 0, n > 0 ? "ciphertext" : "refused", "pread()");
}
