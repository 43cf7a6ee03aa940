/* SPDX-License-Identifier: GPL-2.0-only */
/* watch: looks at a process again and again, to catch it while it signs. */
#ifndef EXTRACT_WATCH_H
#define EXTRACT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct image;

/* How a look is taken: by turns */
enum watch_how {
	WATCH_STOPPED,	/* SIGSTOP, look, SIGCONT */
	WATCH_TRACED,	/* as a debugger: attach, stop, look, detach */
	WATCH_RUNNING,	/* from another CPU, without stopping it */
	WATCH_WAYS,
};

extern const char *const watch_names[WATCH_WAYS];

bool watch_look(struct image *image, pid_t pid, enum watch_how how,
		size_t limit);

#endif
