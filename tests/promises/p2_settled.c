// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2: whoever has begun to read a process's memory before there was a region there (a BPF program), and is held up, may read on when there is one. So
 * a process that makes a region goes on only when those have come to an end: such as wait for a page, and such as have a CPU to themselves.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

/* Of a program that does not sleep. */
struct reading {
	volatile uint64_t begun;
	volatile uint64_t stop;
	volatile uint64_t over;
};

static int program;

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load(union bpf_attr *attr, const struct bpf_insn *code, uint32_t count)
{
	static char log[4096];
	int fd;

	attr->insns = (uintptr_t)code;
	attr->insn_cnt = count;
	attr->license = (uintptr_t)"GPL";
	attr->log_level = 1;
	attr->log_size = sizeof(log);
	attr->log_buf = (uintptr_t)log;
	fd = bpf(BPF_PROG_LOAD, attr);
	if (fd < 0)
		tap_note("%s%s", log, strerror(errno));
	return fd;
}

#define INSN_COPY(to, from)	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) }
#define INSN_SET(to, value)	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (value) }
#define INSN_ADD_TO(to, value)	{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (value) }
#define INSN_WRITE(at, offset, value) { .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = (at), .off = (offset), .imm = (value) }
#define INSN_LONG(to, kind, value) \
	{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = (to), .src_reg = (kind), .imm = (int)(uint32_t)(uint64_t)(value) }
#define INSN_HIGH(value)	{ .imm = (int)((uint64_t)(value) >> 32) }
#define INSN_HELP(function)	{ .code = BPF_JMP | BPF_CALL, .imm = (function) }
#define INSN_WHEN(how, reg, value, by) { .code = BPF_JMP | (how) | BPF_K, .dst_reg = (reg), .imm = (value), .off = (by) }
#define INSN_END		{ .code = BPF_JMP | BPF_EXIT }

/* Reads a word of its caller's memory, wherever that has to be fetched from. */
static int load_sleeper(const void *from)
{
	struct bpf_insn code[] = {
		INSN_COPY(BPF_REG_1, BPF_REG_10),
		INSN_ADD_TO(BPF_REG_1, -8),
		INSN_SET(BPF_REG_2, 8),
		INSN_LONG(BPF_REG_3, 0, (uintptr_t)from),
		INSN_HIGH((uintptr_t)from),
		INSN_HELP(BPF_FUNC_copy_from_user),
		INSN_SET(BPF_REG_0, 0),
		INSN_END,
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SYSCALL, .prog_flags = BPF_F_SLEEPABLE };

	return load(&attr, code, sizeof(code) / sizeof(*code));
}

/* What the kernel wants to know of functions, to have one called in a loop: they return an int. */
static int load_types(void)
{
	static const struct {
		struct btf_header header;
		struct btf_type number;
		uint32_t number_is;
		struct btf_type prototype, program, read;
		char names[20];
	} types = {
		.header = {
			.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(struct btf_header),
			.type_len = 4 * sizeof(struct btf_type) + 4, .str_off = 4 * sizeof(struct btf_type) + 4, .str_len = sizeof("\0int\0program\0read"),
		},
		.number = { .name_off = 1, .info = BTF_KIND_INT << 24, .size = 4 },
		.number_is = BTF_INT_SIGNED << 24 | 32,
		.prototype = { .info = BTF_KIND_FUNC_PROTO << 24, .type = 1 },
		.program = { .name_off = 5, .info = BTF_KIND_FUNC << 24, .type = 2 },
		.read = { .name_off = 13, .info = BTF_KIND_FUNC << 24, .type = 2 },
		.names = "\0int\0program\0read",
	};
	union bpf_attr attr = { .btf = (uintptr_t)&types, .btf_size = offsetof(__typeof__(types), names) + types.header.str_len };

	return bpf(BPF_BTF_LOAD, &attr);
}

static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = sizeof(struct reading), .max_entries = 1, .map_flags = BPF_F_MMAPABLE,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

/* Reads words, over and over, where there is nothing, without ever giving up its CPU: until it is told to, or some ten seconds. */
static int load_spinner(int map)
{
	enum { READ = 12 };
	struct bpf_insn code[] = {
		INSN_LONG(BPF_REG_6, BPF_PSEUDO_MAP_VALUE, map),
		INSN_HIGH(0),
		INSN_WRITE(BPF_REG_6, offsetof(struct reading, begun), 1),
		INSN_SET(BPF_REG_1, 1 << 23 /* as often as the kernel lets it */),
		INSN_LONG(BPF_REG_2, BPF_PSEUDO_FUNC, READ - 5),
		INSN_HIGH(0),
		INSN_SET(BPF_REG_3, 0),
		INSN_SET(BPF_REG_4, 0),
		INSN_HELP(BPF_FUNC_loop),
		INSN_WRITE(BPF_REG_6, offsetof(struct reading, over), 1),
		INSN_SET(BPF_REG_0, 0),
		INSN_END,
		/* READ */
		INSN_LONG(BPF_REG_6, BPF_PSEUDO_MAP_VALUE, map),
		INSN_HIGH(0),
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_6, .off = offsetof(struct reading, stop) },
		INSN_WHEN(BPF_JNE, BPF_REG_0, 0, 7),
		INSN_COPY(BPF_REG_1, BPF_REG_10),
		INSN_ADD_TO(BPF_REG_1, -8),
		INSN_SET(BPF_REG_2, 8),
		INSN_SET(BPF_REG_3, 4096),
		INSN_HELP(BPF_FUNC_probe_read_user),
		INSN_SET(BPF_REG_0, 0),
		INSN_END,
		INSN_SET(BPF_REG_0, 1),
		INSN_END,
	};
	struct bpf_func_info functions[] = { { .type_id = 3 }, { .insn_off = READ, .type_id = 4 } };
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT, .prog_btf_fd = (uint32_t)load_types(),
		.func_info = (uintptr_t)functions, .func_info_cnt = 2, .func_info_rec_size = sizeof(*functions),
	};

	return load(&attr, code, sizeof(code) / sizeof(*code));
}

static void *run(void *unused)
{
	union bpf_attr attr = { .test.prog_fd = (uint32_t)program };

	(void)unused;
	return (void *)(long)bpf(BPF_PROG_TEST_RUN, &attr);
}

static void *run_apart(void *unused)
{
	victim_run_on(1);
	return run(unused);
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

static bool has_made(int count, int for_ms)
{
	for (int i = 0; i < for_ms && shared->ready != count; i++)
		usleep(1000);
	return shared->ready == count;
}

/* Whether it makes one more while a program reads: at once, or only when that has read. */
static void make(pid_t pid, int count, bool waits)
{
	int fd, status;
	void *page = victim_absent_page(&fd), *failed;
	static char bytes[4096];
	pthread_t thread;

	program = load_sleeper(page);
	if (program < 0 || pthread_create(&thread, NULL, run, NULL))
		exit(2);
	ok(victim_page_is_awaited(fd), "control: a BPF program reads user memory, and waits for that");
	shared->command = count;
	if (waits)
		ok(!has_made(count, 1000) && waitpid(pid, &status, WNOHANG) == 0, "a process makes its first region: it does not go on");
	else
		ok(has_made(count, 10000), "it makes another one, beside the first, while such a program waits: it goes on");
	ok(victim_supply_page(fd, page, bytes) && !pthread_join(thread, &failed) && !failed, "control: the program has its page");
	ok(has_made(count, 10000), "then there is the region");
	close(program);
	close(fd);
}

/* The same, with one that has a CPU to itself. The hooks that are waited for otherwise are there already: the caller has a region. */
static void make_beside(pid_t pid, int count, bool waits)
{
	int map = make_map(), status;
	struct reading *reading = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	void *failed;
	pthread_t thread;

	program = load_spinner(map);
	if (reading == MAP_FAILED || program < 0 || pthread_create(&thread, NULL, run_apart, NULL))
		exit(2);
	for (int i = 0; i < 10000 && !reading->begun; i++)
		usleep(1000);
	shared->command = count;
	if (waits)
		ok(!has_made(count, 500) && waitpid(pid, &status, WNOHANG) == 0, "a process makes its first region: it does not go on");
	else
		ok(has_made(count, 5000), "it makes another one, beside the first, meanwhile: it goes on");
	ok(reading->begun && !reading->over, "control: a BPF program that does not sleep has been reading all the time");
	reading->stop = 1;
	ok(!pthread_join(thread, &failed) && !failed && reading->over, "control: it ends when it is told to");
	ok(has_made(count, 10000), "then there is the region");
	munmap(reading, 4096);
	close(program);
	close(map);
}

/* ->ready: the first has its region; ->others: the second */
static void *make_first(void *unused)
{
	victim_region(1, NULL);
	shared->ready = 1;
	return unused;
}

static void *make_second(void *unused)
{
	while (shared->command != 2)
		usleep(1000);
	victim_region(1, NULL);
	shared->others = 1;
	return unused;
}

static void make_both(void)
{
	pthread_t first, second;

	while (!shared->command)
		usleep(1000);
	if (pthread_create(&second, NULL, make_second, NULL) || pthread_create(&first, NULL, make_first, NULL))
		_exit(3);
	for (;;)
		pause();
}

/* What one thread waits for, another one that makes a region beside that one waits for, too. */
static void both(void)
{
	static char bytes[4096];
	pthread_t thread;
	void *page, *failed;
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		make_both();
	page = victim_absent_page(&fd);
	program = load_sleeper(page);
	if (program < 0 || pthread_create(&thread, NULL, run, NULL))
		exit(2);
	ok(victim_page_is_awaited(fd), "control: a BPF program reads user memory, and waits for that");
	shared->command = 1;
	ok(!has_made(1, 1000), "a thread makes its process's first region: it does not go on");
	shared->command = 2;
	for (int i = 0; i < 1000 && !shared->others; i++)
		usleep(1000);
	ok(!shared->others && !shared->ready, "another one makes one beside it: it does not go on either");
	ok(victim_supply_page(fd, page, bytes) && !pthread_join(thread, &failed) && !failed, "control: the program has its page");
	for (int i = 0; i < 10000 && !shared->others; i++)
		usleep(1000);
	ok(has_made(1, 10000) && shared->others, "then there are both");
	close(program);
	close(fd);
	victim_end(pid);
}

static void beside(void)
{
	pid_t pid;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		ok(true, "BPF programs that do not sleep # SKIP nobody else runs meanwhile on a machine with one CPU");
		return;
	}
	victim_run_on(0);
	pid = start();	/* before that has one, and the child, too */
	victim_region(1, NULL);
	make_beside(pid, 1, true);
	make_beside(pid, 2, false);
	victim_end(pid);
}

int main(void)
{
	pid_t pid;

	victim_setup();
	pid = start();
	make(pid, 1, true);
	make(pid, 2, false);
	victim_end(pid);
	both();
	beside();
	return tap_done();
}
