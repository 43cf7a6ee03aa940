// SPDX-License-Identifier: GPL-2.0-only
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* With four entries each, all of it is there. */
#define RINGS_SIZE	4096

bool ring_open(struct ring *ring, unsigned int flags)
{
	memset(ring, 0, sizeof(*ring));
	ring->params.flags = flags;
	ring->params.sq_thread_idle = 5000; /* milliseconds */
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0)
		return false;
	ring->rings = mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->sqe = mmap(NULL, 4 * sizeof(*ring->sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	return ring->rings != MAP_FAILED && ring->sqe != MAP_FAILED && ring->params.features & IORING_FEAT_SINGLE_MMAP;
}

bool ring_submit(struct ring *ring)
{
	bool polls = ring->params.flags & IORING_SETUP_SQPOLL;
	long count;

	((unsigned int *)(ring->rings + ring->params.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned int *)(ring->rings + ring->params.sq_off.tail), 1, __ATOMIC_RELEASE);
	count = syscall(SYS_io_uring_enter, ring->fd, 1, 0, polls ? IORING_ENTER_SQ_WAKEUP : 0, NULL, 0);
	return polls ? count >= 0 : count == 1;
}

bool ring_is_done(const struct ring *ring, int *result)
{
	const unsigned int *tail = (const unsigned int *)(ring->rings + ring->params.cq_off.tail);

	if (!__atomic_load_n(tail, __ATOMIC_ACQUIRE))
		return false;
	*result = ((const struct io_uring_cqe *)(ring->rings + ring->params.cq_off.cqes))->res;
	return true;
}

int ring_wait(struct ring *ring)
{
	int result;

	while (!ring_is_done(ring, &result))
		if (syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR)
			return -errno;
	return result;
}

bool ring_poke(struct ring *ring, unsigned char how, pid_t pid, volatile void *at, const void *bytes, size_t size)
{
	char path[64];
	int fd, result;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ring->sqe->opcode = IORING_OP_WRITE;
	ring->sqe->flags = how;
	ring->sqe->fd = fd;
	ring->sqe->addr = (unsigned long)bytes;
	ring->sqe->len = (unsigned int)size;
	ring->sqe->off = (unsigned long)at;
	result = ring_submit(ring) ? ring_wait(ring) : -1;
	close(fd);
	return result >= 0 && (size_t)result == size;
}

void ring_close(struct ring *ring)
{
	munmap(ring->rings, RINGS_SIZE);
	munmap(ring->sqe, 4 * sizeof(*ring->sqe));
	close(ring->fd);
}
