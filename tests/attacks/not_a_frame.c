// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: the frame of a signal is written and read back under a debugger (see p3_frames.c). What is no frame, but looks like one to who only
 * asks whether a system call is under way, is not: what the program's own io_uring has left to do when its thread returns to user mode,
 * a 32-bit system call that has the number of rt_sigreturn(), and a thread that the kernel has made in the process for vhost.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_vsock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>	/* needs the former */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../unit/tap.h"
#include "ring.h"
#include "victim.h"

#define NOTHING	0x10000		/* no result yet, nor an errno */

static int ends[2];	/* the first is the attacker's */
static char *buffer;	/* the victim's */

static struct ring ring;

/* One request, for the moment when the socket can be written to, or has something. */
static void submit(int opcode)
{
	if (!ring_open(&ring, 0))
		_exit(4);
	ring.sqe->opcode = (unsigned char)opcode;
	ring.sqe->fd = ends[1];
	ring.sqe->addr = (unsigned long)buffer;
	ring.sqe->len = SECRET_LEN;
	if (!ring_submit(&ring))
		_exit(3);
}

static int result(void)
{
	int done;

	return ring_is_done(&ring, &done) ? done : NOTHING;
}

/* Touches its buffer no more before the attacker says so. ->tid: what has become of the request. */
static void victim_ring(int opcode, bool protected)
{
	buffer = protected ? victim_region(1, NULL) : malloc(4096);
	victim_make_secret(buffer);
	submit(opcode);
	shared->ready = 1;
	while (!shared->command) {
		shared->rounds++;
		shared->tid = result();
	}
	memcpy((void *)shared->loot, buffer, SECRET_LEN);
	shared->ready = 2;
	for (;;)
		pause();
}

#ifdef __x86_64__
static char path[] = "/tmp/not_a_frame.XXXXXX";

/* chmod() by its 32-bit number, 15, of a name in the buffer. */
static void victim_call(bool protected)
{
	int device = protected ? open(CRYPTMEM_DEVICE, O_RDWR) : -1, error;

	buffer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_32BIT | MAP_SHARED | (protected ? 0 : MAP_ANONYMOUS), device, 0);
	if (buffer == MAP_FAILED)
		_exit(3);
	strcpy(buffer, path);
	shared->ready = 1;
	while (shared->command != 1)
		shared->rounds++;
	__asm__ volatile("int $0x80" : "=a"(error) : "a"(15), "b"(buffer), "c"(0711) : "memory", "r8", "r9", "r10", "r11");
	shared->wrong = error;
	shared->ready = 2;
	for (;;)
		pause();
}

#endif

static bool can_send(void)
{
	char byte = 'f';

	return send(ends[1], &byte, 1, MSG_DONTWAIT) == 1;
}

/* A socket to write to has no room before the attacker reads. */
static void start_ring(pid_t *pid, int opcode, bool protected)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		exit(2);
	while (opcode == IORING_OP_WRITE && can_send())
		;
	*pid = fork();
	if (*pid == 0)
		victim_ring(opcode, protected);
	if (!victim_wait(&shared->ready) || !victim_goes_on(&shared->rounds))
		exit(2);
}

static bool stop(pid_t pid)
{
	int status;

	return !ptrace(PTRACE_INTERRUPT, pid, 0, 0) && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
}

/* It goes on under a debugger, which has changed nothing. */
static bool trace(pid_t pid)
{
	return !ptrace(PTRACE_SEIZE, pid, 0, 0) && stop(pid) && !ptrace(PTRACE_CONT, pid, 0, 0) && victim_goes_on(&shared->rounds);
}

static bool let_go(pid_t pid)
{
	return stop(pid) && !ptrace(PTRACE_DETACH, pid, 0, 0);
}

/* The victim has done what it was told to. */
static bool done(void)
{
	for (int i = 0; i < 5000 && shared->ready != 2; i++)
		usleep(1000);
	return shared->ready == 2;
}

/* Somebody who is sure that it does waits for long. */
static bool secret_arrives(bool surely)
{
	char bytes[4096], secret[SECRET_LEN];
	bool found = false;

	victim_make_secret(secret);
	for (int i = 0; i < (surely ? 1000 : 50) && !found; i++) {
		ssize_t got = recv(ends[0], bytes, sizeof(bytes), MSG_DONTWAIT);

		if (got <= 0)
			usleep(10000);
		else
			found = memmem(bytes, (size_t)got, secret, SECRET_LEN);
	}
	return found;
}

static void finish(pid_t pid)
{
	victim_end(pid);
	close(ends[0]);
	close(ends[1]);
}

static void out_of_a_region(void)
{
	pid_t pid;

	start_ring(&pid, IORING_OP_WRITE, true);
	ok(secret_arrives(true), "control: untraced, a ring writes from a region when there is room");
	finish(pid);
	start_ring(&pid, IORING_OP_WRITE, false);
	ok(trace(pid) && secret_arrives(true), "control: under a debugger, from ordinary memory");
	finish(pid);
	start_ring(&pid, IORING_OP_WRITE, true);
	ok(trace(pid) && !secret_arrives(false), "but not from a region");
	ok(victim_goes_on(&shared->rounds) && shared->tid == -EFAULT, "it is told: EFAULT");
	tap_note("result: %d", shared->tid);
	shared->command = 1;
	ok(let_go(pid) && done() && victim_was_looted(), "the region is intact");
	finish(pid);
}

static bool ring_reads(pid_t pid, bool traced)
{
	static const char bytes[SECRET_LEN] = "the attacker's";

	if ((traced && !trace(pid)) || send(ends[0], bytes, sizeof(bytes), 0) != sizeof(bytes))
		exit(2);
	usleep(300000);
	if (traced && !let_go(pid))
		exit(2);
	shared->command = 1;
	done();
	return !memcmp((const void *)shared->loot, bytes, sizeof(bytes));
}

static void into_a_region(void)
{
	pid_t pid;

	start_ring(&pid, IORING_OP_READ, true);
	ok(ring_reads(pid, false), "control: untraced, a ring reads into a region when something comes");
	finish(pid);
	start_ring(&pid, IORING_OP_READ, false);
	ok(ring_reads(pid, true), "control: under a debugger, into ordinary memory");
	finish(pid);
	start_ring(&pid, IORING_OP_READ, true);
	ok(!ring_reads(pid, true) && victim_was_looted() && shared->tid == -EFAULT, "but not into a region: EFAULT");
	finish(pid);
}

#ifdef __x86_64__
static bool call_is_made(pid_t pid)
{
	struct stat st;

	if (!victim_wait(&shared->ready))
		exit(2);
	if (pid && !trace(pid))
		exit(2);
	chmod(path, 0600);
	shared->command = 1;
	usleep(500000);
	return !stat(path, &st) && (st.st_mode & 0777) == 0711;
}

static pid_t start_call(bool protected)
{
	pid_t pid = fork();

	if (pid == 0)
		victim_call(protected);
	return pid;
}

static void number_15(void)
{
	int fd = mkstemp(path);
	struct stat st;
	pid_t pid = start_call(true);
	bool made = call_is_made(0);

	if (!made && waitpid(pid, NULL, WNOHANG) == pid) {
		ok(true, "32-bit system calls # SKIP this kernel has none");
		return;
	}
	ok(made, "control: untraced, a 32-bit chmod() takes a name in a region");
	victim_end(pid);
	pid = start_call(false);
	ok(call_is_made(pid), "control: under a debugger, one in ordinary memory");
	victim_end(pid);
	pid = start_call(true);
	ok(!call_is_made(pid), "but not one in a region");
	ok(let_go(pid) && done() && !shared->wrong && !fstat(fd, &st) && (st.st_mode & 0777) == 0711, "it is made when the debugger has gone");
	victim_end(pid);
	close(fd);
	unlink(path);
}

#else
static void number_15(void)
{
	ok(true, "32-bit system calls # SKIP only a 32-bit program makes them on this machine");
}
#endif

#define CID	42
#define PORT	1234

static int kick;

/*
 * A machine in a process: for it, vhost sends what is described in queues, here a request for a connection. The number of its port is a
 * secret.
 */
static void victim_vhost(bool protected)
{
	static struct {
		struct vring_desc desc[2];
		struct vring_avail avail;
		__u16 ring[4];
		char used[64] __attribute__((aligned(8)));
	} queue[2];
	struct {
		struct vhost_memory head;
		struct vhost_memory_region part[2];
	} memory = { .head.nregions = 2 };
	int fd, one = 1;
	__u64 cid = CID, features = 0;
	struct virtio_vsock_hdr *header;

	/* First of all: the thread has to be known as one of the owner's. */
	header = (void *)victim_region(1, NULL);
	if (!protected)
		header = calloc(1, 4096);
	victim_make_secret((char *)&header->src_port);
	header->src_cid = CID;
	header->dst_cid = VMADDR_CID_HOST;
	header->dst_port = PORT;
	header->len = 0;
	header->type = VIRTIO_VSOCK_TYPE_STREAM;
	header->op = VIRTIO_VSOCK_OP_REQUEST;
	header->flags = 0;
	header->buf_alloc = 4096;
	header->fwd_cnt = 0;

	memory.part[0] = (struct vhost_memory_region){ (unsigned long)header, 4096, (unsigned long)header, 0 };
	memory.part[1] = (struct vhost_memory_region){ (unsigned long)queue, sizeof(queue), (unsigned long)queue, 0 };
	fd = open("/dev/vhost-vsock", O_RDWR);
	if (fd < 0 || ioctl(fd, VHOST_SET_OWNER) || ioctl(fd, VHOST_SET_FEATURES, &features) || ioctl(fd, VHOST_SET_MEM_TABLE, &memory))
		_exit(4);
	queue[1].desc[0] = (struct vring_desc){ (unsigned long)header, sizeof(*header), 0, 0 };
	queue[1].avail.idx = 1;
	for (unsigned int i = 0; i < 2; i++) {
		struct vhost_vring_state number = { i, 2 }, base = { i, 0 };
		struct vhost_vring_file file = { i, kick };
		struct vhost_vring_addr addr = { .index = i, .desc_user_addr = (unsigned long)queue[i].desc, .avail_user_addr = (unsigned long)&queue[i].avail,
						 .used_user_addr = (unsigned long)queue[i].used };

		if (ioctl(fd, VHOST_SET_VRING_NUM, &number) || ioctl(fd, VHOST_SET_VRING_BASE, &base) || ioctl(fd, VHOST_SET_VRING_ADDR, &addr) ||
		    (i == 1 && ioctl(fd, VHOST_SET_VRING_KICK, &file)))
			_exit(4);
	}
	if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) || ioctl(fd, VHOST_VSOCK_SET_RUNNING, &one))
		_exit(4);
	shared->ready = 1;
	for (;;)
		shared->rounds++;
}

/* Whether a connection comes, with the secret for its number. */
static bool connects(bool protected, bool traced)
{
	struct sockaddr_vm name = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = PORT };
	int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0), one = -1;
	socklen_t size = sizeof(name);
	char secret[SECRET_LEN];
	__u64 count = 1;
	pid_t pid;

	kick = eventfd(0, 0);
	if (listener < 0 || bind(listener, (void *)&name, sizeof(name)) || listen(listener, 1))
		exit(2);
	pid = fork();
	if (pid == 0)
		victim_vhost(protected);
	if (!victim_wait(&shared->ready) || (traced && !trace(pid)) || write(kick, &count, sizeof(count)) != sizeof(count))
		exit(2);
	for (int i = 0; i < 50 && one < 0; i++) {
		one = accept(listener, (void *)&name, &size);
		usleep(10000);
	}
	victim_end(pid);
	close(one);
	close(listener);
	close(kick);
	victim_make_secret(secret);
	return one >= 0 && !memcmp(&name.svm_port, secret, sizeof(name.svm_port));
}

static void vhost_worker(void)
{
	if (system("modprobe -q vhost_vsock") || access("/dev/vhost-vsock", F_OK)) {
		ok(true, "vhost # SKIP this kernel has none");
		return;
	}
	ok(connects(false, true), "control: under a debugger, vhost reads ordinary memory");
	if (connects(true, false))
		ok(!connects(true, true), "it reads a region, but not under a debugger");
	else
		ok(!connects(true, true), "it never reads a region: its thread is not the owner's here");
}

int main(void)
{
	victim_setup();
	out_of_a_region();
	into_a_region();
	number_15();
	vhost_worker();
	return tap_done();
}
