// SPDX-License-Identifier: GPL-2.0-only
#include "knob.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool knob_set(const char *file, const char *text, int flags)
{
	int fd = open(file, O_WRONLY | flags);
	size_t left = strlen(text);
	bool taken = fd >= 0;
	ssize_t n;

	/* Some take a word at a time. */
	while (taken && left) {
		n = write(fd, text, left);
		taken = n > 0;
		text += taken ? n : 0;
		left -= taken ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	return taken;
}
