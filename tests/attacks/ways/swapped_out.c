// SPDX-License-Identifier: GPL-2.0-only
/*
 * The victim is frozen, and all of its memory is pushed out to a swap disk, /dev/vda: by reclaim of its cgroup, or by
 * process_madvise(). The disk is read as it is below the swap (a loop device over it, as the kernel lets nobody write to a disk that it
 * swaps on). Then it works on.
 * tests/promises/swapped.c sees to it that all pages are there as ciphertext, and what becomes of one that is changed there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../knob.h"
#include "prey.h"

#define DISK	"/dev/vda"
#define CGROUP	"/sys/fs/cgroup/prey"

/* A disk of zeros, to swap on. */
static bool prepare(void)
{
	return system("dd if=/dev/zero of=" DISK " bs=1M conv=notrunc 2>/dev/null; modprobe loop; loop=$(losetup -f) && "
		      "losetup $loop " DISK " && mkswap $loop >/dev/null 2>&1 && swapon $loop") == 0;
}

/* All of it; @size: how much there was. */
static unsigned char *read_disk(size_t *size)
{
	int fd = open(DISK, O_RDONLY | O_DIRECT);
	size_t room = (size_t)lseek(fd, 0, SEEK_END), n = 0;
	unsigned char *bytes = aligned_alloc(4096, room);
	ssize_t got;

	while (n < room && (got = pread(fd, bytes + n, 1 << 20, (off_t)n)) > 0)
		n += (size_t)got;
	close(fd);
	*size = n;
	return bytes;
}

/* A page at a time: what does not take it is no reason to leave out the others. */
static void page_out(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, prey->pid, 0);

	for (size_t i = 0; i <= PREY_BYTES; i += 4096) {
		struct iovec page = { .iov_base = (void *)((prey->secret + i) & ~4095UL), .iov_len = 4096 };

		syscall(SYS_process_madvise, pidfd, &page, 1, MADV_PAGEOUT, 0);
	}
	close(pidfd);
}

int main(int argc, char **argv)
{
	bool madvise = argc == 3 && strcmp(argv[2], "madvise") == 0;
	unsigned char *bytes = NULL;
	size_t size = 0;
	char text[32];

	prey_setup();
	if (argc != 2 + madvise || access(DISK, W_OK) || !prepare())
		return 2;
	knob_set("/sys/fs/cgroup/cgroup.subtree_control", "+memory", 0);
	mkdir(CGROUP, 0755);
	/* The victim is born in there: its memory is charged to it. */
	snprintf(text, sizeof(text), "%d", getpid());
	if (!knob_set(CGROUP "/cgroup.procs", text, 0) || !prey_start(argv[1], "late"))
		return 2;
	knob_set("/sys/fs/cgroup/cgroup.procs", text, 0);
	prey_command(1, 2);
	prey_command(2, 3);
	knob_set(CGROUP "/cgroup.freeze", "1", 0);
	usleep(2500000);	/* longer than idle_ms: nothing is pinned */
	for (int i = 0; i < 5 && !(bytes && prey_leaked(bytes, size)); i++) {
		/*
		 * A page that waits on another CPU for its place on the LRU lists cannot be reclaimed: with few pages, it may wait for
		 * ever. Compaction has all CPUs put theirs there.
		 */
		knob_set("/proc/sys/vm/compact_memory", "1", 0);
		knob_set("/proc/sys/vm/drop_caches", "1", 0);
		if (madvise)
			page_out();
		else
			knob_set(CGROUP "/memory.reclaim", "64M", 0);
		usleep(200000);
		free(bytes);
		bytes = read_disk(&size);
	}
	knob_set(CGROUP "/cgroup.freeze", "0", 0);
	if (system("swapoff -a; losetup -a | grep " DISK " | cut -d: -f1 | xargs losetup -d"))
		fprintf(stderr, "swapoff\n");
	prey_judge(bytes, size, "ciphertext", "the swap disk");
}
