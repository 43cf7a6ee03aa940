/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An io_uring of the caller's, for one request.
 */
#ifndef RING_H
#define RING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ring {
	int fd;
	struct io_uring_params params;
	struct io_uring_sqe *sqe;	/* the request; all zeros before it is filled in */
	char *rings;
};

/* @flags: IORING_SETUP_*. False: this kernel has none, or not for the caller (errno). */
bool ring_open(struct ring *ring, unsigned int flags);
/* Asks for what ->sqe says. The kernel looks by itself with IORING_SETUP_SQPOLL, sooner or later. */
bool ring_submit(struct ring *ring);
/* Whether it is done, and its result then. */
bool ring_is_done(const struct ring *ring, int *result);
/* Waits until it is done, and returns its result, or a negative errno. */
int ring_wait(struct ring *ring);
/* Has it write to another process's memory, by /proc/PID/mem. @how: IOSQE_*. True when all was written. */
bool ring_poke(struct ring *ring, unsigned char how, pid_t pid, volatile void *at, const void *bytes, size_t size);
void ring_close(struct ring *ring);

#endif
