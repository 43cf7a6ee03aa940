// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2: whoever has begun to read a process's memory before there was a region there (a BPF program that may sleep, say), and is held up, may read on
 * when there is one. So a process that makes a region goes on only when those have come to an end.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

static int program;

/* Reads a word of its caller's memory, wherever that has to be fetched from. */
static int load(const void *from)
{
	static char log[4096];
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_3, .imm = (int)(uint32_t)(uintptr_t)from },
		{ .imm = (int)((uintptr_t)from >> 32) },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_copy_from_user },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SYSCALL, .insns = (uintptr_t)code, .insn_cnt = sizeof(code) / sizeof(*code), .license = (uintptr_t)"GPL",
		.prog_flags = BPF_F_SLEEPABLE, .log_level = 1, .log_size = sizeof(log), .log_buf = (uintptr_t)log,
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		tap_note("%s%s", log, strerror(errno));
	return fd;
}

static void *run(void *unused)
{
	union bpf_attr attr = { .test.prog_fd = (uint32_t)program };

	(void)unused;
	return (void *)syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
}

/* One region more, each time that it is told to. */
static pid_t start(void)
{
	pid_t pid = fork();
	char *page;

	if (pid)
		return pid;
	for (int made = 0;; usleep(1000)) {
		if (shared->command == made)
			continue;
		page = victim_region(1, NULL);
		shared->ready = ++made;
		page[0] = 1;
	}
}

/* Whether it makes one more while a program reads: at once, or only when that has read. */
static void make(pid_t pid, int count, bool waits)
{
	int fd, status;
	void *page = victim_absent_page(&fd), *failed;
	static char bytes[4096];
	pthread_t thread;
	bool made;

	program = load(page);
	if (program < 0 || pthread_create(&thread, NULL, run, NULL))
		exit(2);
	ok(victim_page_is_awaited(fd), "control: a BPF program reads user memory, and waits for that");
	shared->command = count;
	for (int i = 0; i < 1000 && shared->ready != count; i++)
		usleep(1000);
	made = shared->ready == count;
	if (waits)
		ok(!made && waitpid(pid, &status, WNOHANG) == 0, "a process makes its first region: it does not go on");
	else
		ok(made, "it makes another one, beside the first, while such a program waits: it goes on");
	ok(victim_supply_page(fd, page, bytes) && !pthread_join(thread, &failed) && !failed, "control: the program has its page");
	for (int i = 0; i < 10000 && shared->ready != count; i++)
		usleep(1000);
	ok(shared->ready == count, "then there is the region");
	close(program);
	close(fd);
}

int main(void)
{
	pid_t pid;

	victim_setup();
	pid = start();
	make(pid, 1, true);
	make(pid, 2, false);
	victim_end(pid);
	return tap_done();
}
