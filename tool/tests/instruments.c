// SPDX-License-Identifier: GPL-2.0-only
/*
 * instruments: what root's perf events and BPF programs get, for guest-audit.t.
 *
 *	owner ordinary|region	a secret word, second in a page; a register points at the page. Prints the address, and runs for good
 *	user PID ADDRESS	bpf_probe_read_user()
 *	stack PID		bpf_get_stack() of user mode
 *	chain PID		perf's call chains
 *	helper PID		bpf_probe_read_kernel() in all of RAM
 *	cast PID		plain loads from all of RAM, by bpf_rdonly_cast()
 *
 * Exit status: 0, the secret has been seen; 1, it has not; 3, the kernel refuses to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING	(64 * 4096)
#define ROOM	256 /* of what a program takes along */

/* The secret, of this owner alone. Nowhere but with the owner as it is. */
static volatile uint64_t inverted = ~0x5ec2e7c000000000;

static int is_secret(uint64_t word)
{
	return ~word == inverted;
}

static void seen(int yes)
{
	puts(yes ? "seen" : "not seen");
	exit(yes ? 0 : 1);
}

static void refused(const char *what)
{
	printf("refused: %s: %s\n", what, strerror(errno));
	exit(3);
}

static void own(const char *kind)
{
	bool region = strcmp(kind, "region") == 0;
	int fd = region ? open("/dev/cryptmem", O_RDWR) : -1;
	uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, region ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);

	if (page == MAP_FAILED)
		exit(2);
	inverted ^= (uint64_t)getpid();
	page[0] = 0;
	page[1] = ~inverted;
	printf("%p\n", (void *)page);
	fflush(stdout);
	__asm__ volatile("mov %0, %%rbp\n1: mov 8(%%rbp), %%rax\n xor %%eax, %%eax\n jmp 1b" : : "r"(page));
}

static long bpf(int what, union bpf_attr *attr)
{
	return syscall(SYS_bpf, what, attr, sizeof(*attr));
}

static int load(unsigned int type, const struct bpf_insn *code, unsigned int n, unsigned int flags)
{
	static char log[65536];
	union bpf_attr attr = {
		.prog_type = type, .insns = (uintptr_t)code, .insn_cnt = n, .license = (uintptr_t)"GPL", .prog_flags = flags,
		.log_level = 1, .log_size = sizeof(log), .log_buf = (uintptr_t)log,
	};
	int fd = (int)bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0) {
		printf("%s", log);
		refused("the program");
	}
	return fd;
}

static int sample(pid_t pid, uint64_t what)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 1000000,
		.sample_type = what, .exclude_callchain_kernel = what != 0,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		refused("perf_event_open");
	return fd;
}

static void chain(pid_t pid)
{
	int fd = sample(pid, PERF_SAMPLE_CALLCHAIN), found = 0;
	uint64_t *ring = mmap(NULL, 4096 + RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (ring == MAP_FAILED)
		refused("mmap");
	sleep(1);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	for (size_t i = 512; i < (4096 + RING) / 8; i++)
		found |= is_secret(ring[i]);
	seen(found);
}

/* A program at each sample of the owner's: value = map[0]; then a helper that fills it. */
static void at_samples(pid_t pid, uint64_t address, bool stack)
{
	union bpf_attr create = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = ROOM, .max_entries = 1 };
	int map = (int)bpf(BPF_MAP_CREATE, &create), event, found = 0;
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1 },
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map }, { .code = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 6 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = stack ? BPF_REG_2 : BPF_REG_1, .src_reg = BPF_REG_0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = stack ? BPF_REG_3 : BPF_REG_2, .imm = ROOM },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = stack ? BPF_REG_4 : BPF_REG_3,
		  .imm = stack ? BPF_F_USER_STACK : (int)(uint32_t)address },
		{ .imm = stack ? 0 : (int)(address >> 32) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = stack ? BPF_REG_1 : BPF_REG_4, .src_reg = BPF_REG_6 },
		{ .code = BPF_JMP | BPF_CALL, .imm = stack ? BPF_FUNC_get_stack : BPF_FUNC_probe_read_user },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	uint64_t value[ROOM / 8] = { 0 };
	uint32_t key = 0;

	if (map < 0)
		refused("bpf");
	event = sample(pid, 0);
	if (ioctl(event, PERF_EVENT_IOC_SET_BPF, load(BPF_PROG_TYPE_PERF_EVENT, code, sizeof(code) / sizeof(*code), 0)) ||
	    ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		refused("attaching");
	for (int i = 0; i < 40; i++) {
		union bpf_attr get = { .map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)value };

		usleep(25000);
		bpf(BPF_MAP_LOOKUP_ELEM, &get);
		for (size_t j = 0; j < ROOM / 8; j++)
			found |= is_secret(value[j]);
	}
	seen(found);
}

/* The number of a type of the kernel's, by its kind and name. */
static int btf_id(unsigned int kind, const char *name)
{
	static const unsigned int extra[20] = { [1] = 4, [3] = 12, [14] = 4, [17] = 4 };
	static const unsigned int each[20] = { [4] = 12, [5] = 12, [6] = 8, [13] = 8, [15] = 12, [19] = 12 };
	static char all[32 << 20];
	uint32_t head[6], *type, *end;
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY), id = 1;
	ssize_t n, len = 0;

	while (fd >= 0 && (n = read(fd, all + len, sizeof(all) - (size_t)len)) > 0)
		len += n;
	if (!len)
		refused("BTF");
	memcpy(head, all, sizeof(head));
	type = (void *)(all + head[1] + head[2]);
	end = (void *)((char *)type + head[3]);
	for (; type < end; id++) {
		unsigned int is = type[1] >> 24 & 31;

		if (is == kind && strcmp(all + head[1] + head[4] + type[0], name) == 0)
			return id;
		type += 3 + (extra[is] + each[is] * (type[1] & 0xffff)) / 4;
	}
	errno = ENOENT;
	refused(name);
	return 0;
}

/* ctx = { address, what is there } */
static int program_cast(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1 },
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_6 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = btf_id(4, "timespec64") },
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = btf_id(12, "bpf_rdonly_cast") },
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_0 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1, .off = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(BPF_PROG_TYPE_SYSCALL, code, sizeof(code) / sizeof(*code), BPF_F_SLEEPABLE);
}

static int program_helper(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1 },
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_6 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1, .off = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(BPF_PROG_TYPE_SYSCALL, code, sizeof(code) / sizeof(*code), BPF_F_SLEEPABLE);
}

static uint64_t word_at(int program, uint64_t address)
{
	uint64_t ctx[2] = { address, 0 };
	union bpf_attr attr = { .test = { .prog_fd = (uint32_t)program, .ctx_in = (uintptr_t)ctx, .ctx_size_in = sizeof(ctx) } };

	if (bpf(BPF_PROG_TEST_RUN, &attr))
		refused("BPF_PROG_TEST_RUN");
	return ctx[1];
}

static uint64_t symbol(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], is[256];
	uint64_t at;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %*s %255s", &at, is) == 2 && strcmp(is, name) == 0)
			return at;
	errno = ENOENT;
	refused(name);
	return 0;
}

/* The second word of each page, where the kernel has all of RAM mapped. */
static void all_of_ram(int program)
{
	uint64_t base = word_at(program, symbol("page_offset_base")), pages = (uint64_t)sysconf(_SC_PHYS_PAGES) * 5 / 4;

	for (uint64_t i = 0; i < pages; i++)
		if (is_secret(word_at(program, base + i * 4096 + 8)))
			seen(1);
	seen(0);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	pid_t pid = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(way, "owner") == 0 && argc == 3)
		own(argv[2]);
	inverted ^= (uint64_t)pid;
	if (strcmp(way, "user") == 0 && argc == 4)
		at_samples(pid, strtoull(argv[3], NULL, 16), false);
	else if (strcmp(way, "stack") == 0 && argc == 3)
		at_samples(pid, 0, true);
	else if (strcmp(way, "chain") == 0 && argc == 3)
		chain(pid);
	else if (strcmp(way, "helper") == 0 && argc == 3)
		all_of_ram(program_helper());
	else if (strcmp(way, "cast") == 0 && argc == 3)
		all_of_ram(program_cast());
	return 2;
}
