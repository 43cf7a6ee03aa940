// SPDX-License-Identifier: GPL-2.0-only
/*
 * perf_event_open() on the victim, with a sample of its task clock every so often:
 *	registers	the samples have its registers
 *	chain		the samples have its call chain
 *	stack		the samples have what its stack pointer points at
 *	bpf		a BPF program runs at each, in the victim's context, and reads its memory
 */
#include <asm/perf_regs.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prey.h"

#define PERIOD		1000000		/* ns */
#define RING		(64 * 4096)
#ifdef __x86_64__
#define REGISTERS	((1ULL << PERF_REG_X86_64_MAX) - 1 - (0xfULL << PERF_REG_X86_DS))
#else
#define REGISTERS	((1ULL << (PERF_REG_ARM64_PC + 1)) - 1)
#endif
#define STACK		512		/* bytes of it in a sample */
#define READ		256		/* bytes that the BPF program takes */

static long bpf(int what, union bpf_attr *attr)
{
	return syscall(SYS_bpf, what, attr, sizeof(*attr));
}

static int open_event(pid_t tid, uint64_t sample)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = PERIOD, .exclude_kernel = sample != 0,
		.exclude_callchain_kernel = 1, .sample_stack_user = sample == PERF_SAMPLE_STACK_USER ? STACK : 0,
		.sample_type = sample,
		.sample_regs_user = sample == PERF_SAMPLE_REGS_USER ? REGISTERS : 0,
	};

	return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/*
 * Of each sample the first return address, once when it stays the same. A sample is a header, the length of the chain, and PERF_CONTEXT_USER,
 * the instruction pointer, and return addresses.
 */
static size_t first_returns(const char *samples, size_t length, uint64_t *words)
{
	const struct perf_event_header *header;
	size_t count = 0;

	for (size_t at = 0; at + sizeof(*header) + 32 <= length; at += header->size) {
		const uint64_t *chain = (const void *)(samples + at + sizeof(*header));

		header = (const void *)(samples + at);
		if (header->size < sizeof(*header))
			break;
		if (header->type == PERF_RECORD_SAMPLE && chain[0] >= 3 && (count == 0 || words[count - 1] != chain[3]))
			words[count++] = chain[3];
	}
	prey_restore(words, count);
	return count * sizeof(*words);
}

/* Copies the samples out: as they are, or what the chains say. */
static void sample(uint64_t kind, const char *how)
{
	static uint64_t words[RING / 8];
	int fd = open_event(prey->pid, kind);
	char *ring;

	if (fd < 0)
		prey_judge(NULL, 0, "refused", "perf_event_open() is refused");
	ring = mmap(NULL, 4096 + RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		prey_judge(NULL, 0, "refused", "no buffer for the samples");
	usleep(1500000);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	if (kind == PERF_SAMPLE_CALLCHAIN)
		prey_judge(words, first_returns(ring + 4096, RING, words), "refused", how);
	prey_judge(ring + 4096, RING, "refused", how);
}

/* key = 0; value = map_lookup_elem(map, &key); if (value) probe_read_user(value, READ, secret); */
static int load_program(int map)
{
	static char log[8192];
	struct bpf_insn code[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map }, { .code = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 5 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = READ },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_3, .imm = (int)(uint32_t)prey->secret },
		{ .imm = (int)(prey->secret >> 32) },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_user },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_PERF_EVENT, .insns = (uintptr_t)code, .insn_cnt = sizeof(code) / sizeof(*code), .license = (uintptr_t)"GPL",
		.log_level = 1, .log_size = sizeof(log), .log_buf = (uintptr_t)log,
	};
	int fd = (int)bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		fprintf(stderr, "%s%s\n", log, strerror(errno));
	return fd;
}

/* What the program took: the last time that it got something. */
static void run_program(void)
{
	static unsigned char value[READ], all[64 * READ];
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = READ, .max_entries = 1 };
	int map = (int)bpf(BPF_MAP_CREATE, &attr), program, event;
	uint32_t key = 0;

	program = map < 0 ? -1 : load_program(map);
	event = open_event(prey->pid, 0);
	if (program < 0 || event < 0)
		prey_judge(NULL, 0, "refused", map < 0 ? "bpf() is refused" : program < 0 ? "the kernel takes no such program" : "perf_event_open() is refused");
	if (ioctl(event, PERF_EVENT_IOC_SET_BPF, program) || ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		prey_judge(NULL, 0, "refused", "the program cannot be attached");
	for (int i = 0; i < 64; i++) {
		union bpf_attr look = { .map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)value };

		usleep(25000);
		bpf(BPF_MAP_LOOKUP_ELEM, &look);
		memcpy(all + i * READ, value, READ);
	}
	close(event);
	prey_judge(all, sizeof(all), "refused", "bpf_probe_read_user()");
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[2] : "";

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], strcmp(how, "bpf") == 0 ? "busy" : strcmp(how, "registers") == 0 ? "compute" : "followed"))
		return 2;
	if (strcmp(how, "registers") == 0)
		sample(PERF_SAMPLE_REGS_USER, how);
	else if (strcmp(how, "stack") == 0)
		sample(PERF_SAMPLE_STACK_USER, how);
	else if (strcmp(how, "chain") == 0)
		sample(PERF_SAMPLE_CALLCHAIN, how);
	else if (strcmp(how, "bpf") == 0)
		run_program();
	return 2;
}
