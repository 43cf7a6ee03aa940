// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches to a thread of the victim, which sleeps in pause(), and has it hand the secret over.
 *	write send vmsplice direct	a system call, with a descriptor that the victim has (as it has a log, or stdout)
 *	uring uring_worker		io_uring: set up in the victim, used through the stolen descriptor; done at once, or by a worker
 *	copy				code written over its text, that copies the secret
 *	fork fork_call			it forks: the copy is read, or has to write
 *	clone_vm vfork			write(), in another process that shares the victim's memory
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prey.h"
#include "tracer.h"

static unsigned char bytes[PREY_BYTES];
static int out, in;	/* the victim writes, we read */
static pid_t tid;
static long result;

static void drain(void)
{
	size_t n = 0;
	ssize_t got;

	fcntl(in, F_SETFL, O_NONBLOCK);
	while (n < sizeof(bytes) && (got = read(in, bytes + n, sizeof(bytes) - n)) > 0)
		n += (size_t)got;
}

static void by_write(void)
{
	result = tracer_call(tid, SYS_write, out, (long)prey->secret, PREY_BYTES, 0, 0, 0);
	drain();
}

static void by_send(void)
{
	result = tracer_call(tid, SYS_sendto, out, (long)prey->secret, PREY_BYTES, MSG_DONTWAIT, 0, 0);
	drain();
}

static void by_vmsplice(void)
{
	uint64_t at = tracer_scratch(tid), iov[2] = { prey->secret, PREY_BYTES };

	tracer_poke(tid, at, iov, sizeof(iov));
	result = tracer_call(tid, SYS_vmsplice, out, (long)at, 1, 0, 0, 0);
	drain();
}

static void by_direct(void)
{
	result = tracer_call(tid, SYS_pwrite64, out, (long)prey->secret, PREY_BYTES, 0, 0, 0);
	if (pread(in, bytes, sizeof(bytes), 0) < 0)
		exit(2);
}

static void by_uring(unsigned char flags)
{
	struct io_uring_params params = { 0 };
	uint64_t at = tracer_scratch(tid);
	int pidfd = (int)syscall(SYS_pidfd_open, prey->pid, 0), fd;
	unsigned char *ring, *sqes;
	struct io_uring_sqe *sqe;
	long ours;

	tracer_poke(tid, at, &params, sizeof(params));
	ours = tracer_call(tid, SYS_io_uring_setup, 4, (long)at, 0, 0, 0, 0);
	if (ours < 0)
		prey_tell("unavailable", "no io_uring here: %ld", ours);
	tracer_peek(tid, at, &params, sizeof(params));
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)ours, 0);
	ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (ring == MAP_FAILED || sqes == MAP_FAILED)
		exit(2);
	sqe = (struct io_uring_sqe *)sqes;
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_WRITE;
	sqe->flags = flags;
	sqe->fd = out;
	sqe->addr = prey->secret;
	sqe->len = PREY_BYTES;
	((uint32_t *)(ring + params.sq_off.array))[0] = 0;
	*(volatile uint32_t *)(ring + params.sq_off.tail) = 1;
	result = tracer_call(tid, SYS_io_uring_enter, ours, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
	if (result == 1)
		result = ((struct io_uring_cqe *)(ring + params.cq_off.cqes))->res;
	drain();
}

static void by_copy(void)
{
#ifdef __x86_64__
	static const unsigned char payload[] = { 0xf3, 0xa4, 0xcc };	/* rep movsb; int3 */
#else
	/* 1: ldrb w3, [x1], #1; strb w3, [x0], #1; subs x2, x2, #1; b.ne 1b; brk #0 */
	static const uint32_t payload[] = { 0x38401423, 0x38001403, 0xf1000442, 0x54ffffa1, 0xd4200000 };
#endif
	struct user_regs_struct saved, regs;

	tracer_poke(tid, prey->spare, payload, sizeof(payload));
	machine_get_registers(tid, &saved);
	regs = saved;
	machine_go_to(&regs, prey->spare);
#ifdef __x86_64__
	regs.rdi = prey->here + offsetof(struct prey, loot);
	regs.rsi = prey->secret;
	regs.rcx = PREY_BYTES;
#else
	regs.regs[0] = prey->here + offsetof(struct prey, loot);
	regs.regs[1] = prey->secret;
	regs.regs[2] = PREY_BYTES;
#endif
	machine_set_registers(tid, &regs);
	ptrace(PTRACE_CONT, tid, 0, 0);
	result = tracer_wait(tid, 3000);
	result = result ? WSTOPSIG(result) : TRACER_STUCK;
	if (result == TRACER_STUCK)
		tracer_interrupt(tid);
	machine_set_registers(tid, &saved);
	result = result == SIGTRAP ? PREY_BYTES : -result;
}

static void by_fork(bool call)
{
	char path[64];
	pid_t child;
	int fd;

	if (call)
		ptrace(PTRACE_SETOPTIONS, tid, 0, PTRACE_O_TRACEFORK);
	child = (pid_t)tracer_call(tid, SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
	if (child <= 0)
		prey_tell("broken", "it cannot fork: %d", child);
	if (call) {
		tracer_wait(child, 5000);
		/* Let it leave fork(), and come to a stop in a system call of its own. */
		ptrace(PTRACE_CONT, child, 0, 0);
		usleep(200000);
		if (tracer_interrupt_in_call(child))
			result = tracer_call(child, SYS_write, out, (long)prey->secret, PREY_BYTES, 0, 0, 0);
		drain();
	} else {
		snprintf(path, sizeof(path), "/proc/%d/mem", child);
		fd = open(path, O_RDONLY);
		result = pread(fd, bytes, sizeof(bytes), (off_t)prey->secret);
	}
	kill(child, SIGKILL);
}

/* Before the victim is started, so that it has its end. */
static void make_channel(const char *how)
{
	int ends[2];

	if (strcmp(how, "direct") == 0) {
		if (system("modprobe -q brd rd_nr=1 2>/dev/null") || (out = open("/dev/ram0", O_RDWR | O_DIRECT)) < 0)
			prey_tell("unavailable", "no RAM disk");
		in = open("/dev/ram0", O_RDONLY | O_CLOEXEC);
		return;
	}
	if (strcmp(how, "send") == 0 ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends))
		exit(2);
	in = ends[0];
	out = ends[1];
	fcntl(in, F_SETFD, FD_CLOEXEC);
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[2] : "";
	char detail[100];
	bool others;

	prey_setup();
	make_channel(how);
	others = strcmp(how, "clone_vm") == 0 || strcmp(how, "vfork") == 0;
	if (argc != 3 || !prey_start(argv[1], others ? how : "pair"))
		return 2;
	tid = others ? prey->other : prey->pid;
	if (!tracer_stop_in_call(tid))
		return 2;
	if (strcmp(how, "write") == 0 || others)
		by_write();
	else if (strcmp(how, "send") == 0)
		by_send();
	else if (strcmp(how, "vmsplice") == 0)
		by_vmsplice();
	else if (strcmp(how, "direct") == 0)
		by_direct();
	else if (strcmp(how, "uring") == 0)
		by_uring(0);
	else if (strcmp(how, "uring_worker") == 0)
		by_uring(IOSQE_ASYNC);
	else if (strcmp(how, "copy") == 0)
		by_copy();
	else if (strcmp(how, "fork") == 0)
		by_fork(false);
	else if (strcmp(how, "fork_call") == 0)
		by_fork(true);
	else
		return 2;
	tracer_detach(tid);
	snprintf(detail, sizeof(detail), "it got %ld", result);
	/* A copy may well be read, as ciphertext, while the victim is locked. */
	if (result > 0 && !prey_leaked(bytes, sizeof(bytes)) && !prey_goes_on() && prey->fault == SIGBUS && !prey->wrong)
		prey_tell("ciphertext", "%s; the victim is locked", detail);
	prey_judge(bytes, sizeof(bytes), result > 0 ? "ciphertext" : "refused", detail);
}
