// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2 and P4 for what takes hold of pages instead of copying, even for the owner: refused with EFAULT, nothing has got out, and the
 * contents are intact. The same works on ordinary memory: that is the control. What copies works on a region, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define SIZE	4096
#define HUGE	((long)(2 << 20))

static char *page;	/* protected */
static char *plain;	/* ordinary */

static void fill(char *at)
{
	for (int i = 0; i < SIZE; i += SECRET_LEN)
		victim_make_secret(at + i);
}

static bool intact(const char *at)
{
	char secret[SECRET_LEN];
	bool good = true;

	victim_make_secret(secret);
	for (int i = 0; i < SIZE; i += SECRET_LEN)
		good &= memcmp(at + i, secret, SECRET_LEN) == 0;
	return good;
}

/* errno, or 0 for all of it, or -1 for a part. */
static int outcome(ssize_t result)
{
	return result < 0 ? errno : result == SIZE ? 0 : -1;
}

static void try_vmsplice(void)
{
	struct iovec iov = { plain, SIZE };
	char bytes[SIZE];
	int ends[2], left = -1;

	if (pipe(ends))
		exit(2);
	ok(outcome(vmsplice(ends[1], &iov, 1, 0)) == 0 && read(ends[0], bytes, SIZE) == SIZE && intact(bytes),
	   "control: vmsplice() of ordinary memory");
	iov.iov_base = page;
	ok(outcome(vmsplice(ends[1], &iov, 1, 0)) == EFAULT && outcome(vmsplice(ends[1], &iov, 1, SPLICE_F_GIFT)) == EFAULT,
	   "vmsplice() of a region: EFAULT");
	ok(ioctl(ends[0], FIONREAD, &left) == 0 && left == 0, "and nothing is in the pipe");
	ok(write(ends[1], page, SIZE) == SIZE && read(ends[0], bytes, SIZE) == SIZE && intact(bytes), "write() copies from it, as ever");
	close(ends[0]);
	close(ends[1]);
}

/* A disk that takes O_DIRECT: a loop device over memory. */
static int open_disk(void)
{
	char name[64] = "";
	FILE *answer = popen("modprobe loop; truncate -s 1M /dev/shm/p2.disk; loop=$(losetup -f) && losetup $loop /dev/shm/p2.disk && echo $loop", "r");

	if (answer) {
		if (!fgets(name, sizeof(name), answer))
			name[0] = 0;
		pclose(answer);
	}
	name[strcspn(name, "\n")] = 0;
	return open(name, O_RDWR | O_DIRECT);
}

static void try_direct(void)
{
	int disk = open_disk();

	ok(disk >= 0 && outcome(pwrite(disk, plain, SIZE, 0)) == 0, "control: O_DIRECT writes from ordinary memory");
	memset(plain, 0, SIZE);
	ok(outcome(pread(disk, plain, SIZE, 0)) == 0 && intact(plain), "control: and reads into it");
	ok(outcome(pwrite(disk, page, SIZE, SIZE)) == EFAULT, "O_DIRECT does not write from a region: EFAULT");
	ok(outcome(pread(disk, plain, SIZE, SIZE)) == 0 && tap_is_filled(plain, 0, SIZE), "and nothing is on the disk");
	ok(outcome(pread(disk, page, SIZE, SIZE)) == EFAULT && intact(page), "nor reads into it: EFAULT");
	fill(plain);
	close(disk);
	if (system("losetup -a | grep p2.disk | cut -d: -f1 | xargs losetup -d; rm -f /dev/shm/p2.disk"))
		tap_note("the loop device stays");
}

static void try_io_uring(void)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	struct iovec iov = { plain, SIZE };

	if (ring < 0) {
		ok(true, "io_uring # SKIP this kernel has none: %s", strerror(errno));
		return;
	}
	ok(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1) == 0 &&
	   syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0) == 0, "control: io_uring takes ordinary memory as a fixed buffer");
	iov.iov_base = page;
	ok(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1) < 0 && errno == EFAULT, "but not a region: EFAULT");
	close(ring);
}

static void try_process_vm(void)
{
	char bytes[SIZE] = "";
	struct iovec here = { bytes, SIZE }, there = { plain, SIZE };

	ok(outcome(process_vm_readv(getpid(), &here, 1, &there, 1, 0)) == 0 && intact(bytes), "control: process_vm_readv() of one's own ordinary memory");
	memset(bytes, 0, SIZE);
	there.iov_base = page;
	ok(outcome(process_vm_readv(getpid(), &here, 1, &there, 1, 0)) == EFAULT && tap_is_filled(bytes, 0, SIZE),
	   "process_vm_readv() of one's own region: EFAULT");
	ok(outcome(process_vm_writev(getpid(), &here, 1, &there, 1, 0)) == EFAULT && intact(page), "process_vm_writev() to one's own region: EFAULT");
	here.iov_base = page;
	there.iov_base = bytes;
	ok(outcome(process_vm_writev(getpid(), &here, 1, &there, 1, 0)) == 0 && intact(bytes), "at the near end it is copied, as ever");
}

static void try_self(void)
{
	char bytes[SIZE] = "", secret[SECRET_LEN];
	int fd = open("/proc/self/mem", O_RDWR);

	victim_make_secret(secret);
	ok(outcome(pread(fd, bytes, SIZE, (off_t)plain)) == 0 && intact(bytes), "control: /proc/self/mem reads ordinary memory");
	memset(bytes, 0, SIZE);
	ok((pread(fd, bytes, SIZE, (off_t)page), !memmem(bytes, SIZE, secret, SECRET_LEN)), "/proc/self/mem does not read a region");
	ok(outcome(pwrite(fd, plain, SIZE, (off_t)page)) == EIO && intact(page), "and does not write to it: EIO");
	close(fd);
}

static void try_futex(void)
{
	ok(syscall(SYS_futex, plain, FUTEX_WAKE, 1, NULL, NULL, 0) == 0, "control: a shared futex in ordinary memory");
	ok(syscall(SYS_futex, page, FUTEX_WAKE, 1, NULL, NULL, 0) < 0 && errno == EFAULT, "a shared futex in a region: EFAULT");
	ok(syscall(SYS_futex, page, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0, "a private one is fine");
}

/* What the kernel takes for the place of a mapping in the device, in pages; -1: nothing is mapped there. */
static long place_of(const void *at)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char *line = NULL;
	size_t size = 0;
	long place = -1;

	while (maps && place < 0 && getline(&line, &size, maps) > 0) {
		char *end, *offset = strchr(line, ' ');

		if (strtoull(line, &end, 16) == (uintptr_t)at && offset)
			place = (long)(strtoull(offset + sizeof(" rw-s"), &end, 16) / SIZE);
	}
	free(line);
	fclose(maps);
	return place;
}

/* Whether KVM of old, on arm64, would take a mapping for RAM in one piece, as that begins where a huge page would. */
static bool looks_linear(const void *at)
{
	return ((long)((uintptr_t)at / SIZE) - place_of(at)) % (HUGE / SIZE) == 0;
}

static void try_guest_memory(void)
{
	char *space = mmap(NULL, 6 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *huge, *at, *moved;
	int fd = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC), linear = 0, made = 0;

	huge = (char *)(((uintptr_t)space + HUGE - 1) & ~(HUGE - 1));
	for (int i = 0; i < HUGE / SIZE + 1; i++) {
		made += mmap(huge, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == huge && place_of(huge) >= 0;
		linear += looks_linear(huge);
	}
	ok(made == HUGE / SIZE + 1 && linear == 0, "%d regions, one after the other, where a huge page begins: none looks like RAM in one piece (%d)", made, linear);

	at = mmap(huge + HUGE, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	ok(at == huge + HUGE && !looks_linear(at), "nor does one that is as large as that");
	fill(at);
	moved = huge + 3 * HUGE + place_of(at) % (HUGE / SIZE) * SIZE;
	moved = mremap(at, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved);
#ifdef __aarch64__
	ok(moved == MAP_FAILED && errno == EINVAL && intact(at), "nor is it moved to where it would: EINVAL, and it is intact");
#else
	ok(moved != MAP_FAILED && looks_linear(moved) && intact(moved), "control: it may be moved to where it does, as KVM on this machine does not take it for that");
#endif
	munmap(space, 6 * HUGE);
	close(fd);
}

int main(void)
{
	victim_setup();
	page = victim_region(1, NULL);
	plain = aligned_alloc(SIZE, SIZE);
	fill(page);
	fill(plain);
	try_vmsplice();
	try_direct();
	try_io_uring();
	try_process_vm();
	try_self();
	try_futex();
	try_guest_memory();
	usleep(20000);
	ok(intact(page), "after all that the contents are intact");
	return tap_done();
}
