// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2: who gets hold of an owner's descriptor of the device, or opens what it stands for anew, has nothing of the owner's: EPERM, or an
 * empty domain of his own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define PAGES	4

static char *region;	/* the victim's */
static int line[2];	/* to the victim, and from it */

static void send_descriptor(int fd)
{
	char space[CMSG_SPACE(sizeof(fd))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(line[1], &message, 0) != 1)
		_exit(2);
}

static int receive_descriptor(void)
{
	char space[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(line[0], &message, 0) == 1 && (header = CMSG_FIRSTHDR(&message)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void victim(void)
{
	char secret[SECRET_LEN];
	int device;

	/* Not the first region: its place in the domain is not 0. */
	victim_region(PAGES, NULL);
	region = victim_region(PAGES, &device);
	victim_make_secret(secret);
	for (int i = 0; i < PAGES; i++)
		memcpy(region + i * 4096, secret, SECRET_LEN);
	shared->rounds = (long)region;
	shared->tid = device;
	send_descriptor(device);
	shared->ready = 1;
	while (!shared->command)
		usleep(1000);
	for (int i = 0; i < PAGES; i++)
		shared->wrong += memcmp(region + i * 4096, secret, SECRET_LEN) != 0;
	shared->ready = 2;
	for (;;)
		pause();
}

static bool refuses(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 && errno == EPERM;
}

/* A descriptor of the victim's is good for nothing. */
static void is_bound(int fd, const char *how)
{
	struct cryptmem_status status = { .size = sizeof(status) };
	struct cryptmem_config config = { .size = sizeof(config), .window = 8 };
	struct cryptmem_discard discard = { .size = sizeof(discard), .addr = (unsigned long)region, .len = 4096 };
	struct cryptmem_query query = { .size = sizeof(query) };

	ok(fd >= 0 && ioctl(fd, CRYPTMEM_IOC_QUERY, &query) == 0, "control: the victim's descriptor can be had, by %s", how);
	ok(mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM, "but not mapped: EPERM");
	ok(refuses(fd, CRYPTMEM_IOC_STATUS, &status) & refuses(fd, CRYPTMEM_IOC_CONFIG, &config) & refuses(fd, CRYPTMEM_IOC_DISCARD, &discard),
	   "and no request is served: EPERM");
	close(fd);
}

/* What it stands for, opened anew, is the device as anybody may open it. */
static void is_empty(const char *path, off_t offset, const char *how)
{
	struct cryptmem_status status = { .size = sizeof(status) };
	int fd = open(path, O_RDWR);
	char *mine;

	ok(fd >= 0, "control: %s can be opened", how);
	ok(!offset || (mmap(NULL, PAGES * 4096, PROT_READ, MAP_SHARED, fd, offset) == MAP_FAILED && errno == EINVAL),
	   "but not be mapped where the victim's region is: EINVAL");
	mine = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(mine != MAP_FAILED && tap_is_filled(mine, 0, PAGES * 4096UL), "and what is mapped is zero");
	if (mine != MAP_FAILED)
		memset(mine, 'x', PAGES * 4096UL);
	ok(ioctl(fd, CRYPTMEM_IOC_STATUS, &status) == 0 && status.regions == 1 && status.used_pages == PAGES, "in a domain of one's own");
	munmap(mine, PAGES * 4096);
	close(fd);
}

static void try_proc(pid_t pid)
{
	char path[96], entry[256];
	unsigned long start, end, offset = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, shared->tid);
	is_empty(path, 0, "/proc/PID/fd");
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	path[0] = 0;
	while (maps && fgets(entry, sizeof(entry), maps))
		if (sscanf(entry, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && start == (unsigned long)region) {
			snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, start, end);
			break;
		}
	if (maps)
		fclose(maps);
	ok(offset > 0, "control: the victim's region is not at the start of its domain");
	is_empty(path, (off_t)offset, "/proc/PID/map_files");
}

static bool child_of_thief(void *fd)
{
	return mmap(NULL, 4096, PROT_READ, MAP_SHARED, (int)(long)fd, 0) == MAP_FAILED && errno == EPERM;
}

int main(void)
{
	int received, pidfd;
	pid_t pid;

	victim_setup();
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, line))
		return 2;
	pid = fork();
	if (pid == 0)
		victim();
	victim_wait(&shared->ready);
	region = (char *)shared->rounds;
	received = receive_descriptor();
	is_bound(dup(received), "SCM_RIGHTS");
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	is_bound((int)syscall(SYS_pidfd_getfd, pidfd, shared->tid, 0), "pidfd_getfd()");
	ok(tap_child(child_of_thief, (void *)(long)received), "nor is it of use to a child of the thief: EPERM");
	try_proc(pid);
	shared->command = 1;
	while (shared->ready != 2 && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(1000);
	ok(shared->ready == 2 && !shared->wrong, "the victim's contents are intact after all that");
	victim_end(pid);
	is_bound(received, "SCM_RIGHTS, and kept until it has died");
	return tap_done();
}
