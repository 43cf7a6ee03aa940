// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit_sysctl: settings of the kernel that say what others than root may do.
 */
#include <errno.h>
#include <stdlib.h>

#include "audit.h"
#include "util.h"

#define SYSCTL	"/proc/sys/"
#define DUMPS	8 /* of kernel.sysrq: what shows registers and memory */

/**
 * read_setting - a number below /proc/sys
 * @absent: found when this kernel does not have it: STATE_OK, or STATE_OPEN
 * @close: what to do if that is open
 *
 * Return: false: it has been told why there is no @value.
 */
static bool read_setting(struct finding *f, const char *path, int64_t *value, enum state absent, const char *what,
			 const char *close)
{
	if (!machine_number(path, value))
		return true;
	if (errno == ENOENT && machine_has(SYSCTL "kernel"))
		found(f, absent, close, "%s", what);
	else
		found_unreadable(f, path);
	return false;
}

void audit_sysrq(const struct machine *m, struct finding *f)
{
	int64_t value;

	(void)m;
	if (!read_setting(f, SYSCTL "kernel/sysrq", &value, STATE_OK,
			  "this kernel has no sysrq keys", NULL))
		return;
	if (value == 1 || value & DUMPS)
		found(f, STATE_OPEN, "sysctl kernel.sysrq=0",
		      "who has the keyboard or a serial console, logged in or not, has registers of running programs "
		      "shown, or a crash dump made (kernel.sysrq=%lld)", (long long)value);
	else
		found(f, STATE_OK, NULL, "no sysrq key shows registers or makes the kernel crash");
}

void audit_ptrace_scope(const struct machine *m, struct finding *f)
{
	const char *open = "other programs of the same user trace an owner: they see its registers and ordinary "
			   "memory, park it, and lock it";
	const char *yama = "boot with yama in lsm=, and a kernel with CONFIG_SECURITY_YAMA";
	int64_t value;

	(void)m;
	if (!read_setting(f, SYSCTL "kernel/yama/ptrace_scope", &value, STATE_OPEN, open, yama))
		return;
	if (value >= 1)
		found(f, STATE_OK, NULL, "programs of the same user trace only their children%s", value > 1 ?
		      ", or not even those" : "");
	else
		found(f, STATE_OPEN, "sysctl kernel.yama.ptrace_scope=1", "%s", open);
}

void audit_kernel_pointers(const struct machine *m, struct finding *f)
{
	int64_t value, paranoid;
	bool measured = false;

	(void)m;
	if (machine_number(SYSCTL "kernel/kptr_restrict", &value)) {
		found_unreadable(f, SYSCTL "kernel/kptr_restrict");
		return;
	}
	/* Unrestricted, they still are only for those who may measure the kernel. */
	if (!machine_number(SYSCTL "kernel/perf_event_paranoid", &paranoid))
		measured = paranoid <= 1;
	else if (!value && errno != ENOENT) {
		found_unreadable(f, SYSCTL "kernel/perf_event_paranoid");
		return;
	}
	if (value || !measured)
		found(f, STATE_OK, NULL, "only root sees the kernel's addresses%s", value > 1 ? ", or not even root" :
		      "");
	else
		found(f, STATE_OPEN, "sysctl kernel.kptr_restrict=1",
		      "every user sees the kernel's addresses in /proc/kallsyms: of use to who has found a bug in it");
}

void audit_kernel_log(const struct machine *m, struct finding *f)
{
	int64_t value;

	(void)m;
	if (machine_number(SYSCTL "kernel/dmesg_restrict", &value))
		found_unreadable(f, SYSCTL "kernel/dmesg_restrict");
	else if (value)
		found(f, STATE_OK, NULL, "the kernel's log is for root");
	else
		found(f, STATE_OPEN, "sysctl kernel.dmesg_restrict=1",
		      "every user reads the kernel's log, with addresses, and registers after a crash, in it");
}

void audit_perf_paranoid(const struct machine *m, struct finding *f)
{
	int64_t value;

	(void)m;
	if (!read_setting(f, SYSCTL "kernel/perf_event_paranoid", &value, STATE_OK,
			  "this kernel has no perf events", NULL))
		return;
	if (value >= 2)
		found(f, STATE_OK, NULL, "others than root measure at most their own programs");
	else
		found(f, STATE_OPEN, "sysctl kernel.perf_event_paranoid=2",
		      "every user measures the kernel while it works for its programs: a side channel "
		      "(kernel.perf_event_paranoid=%lld)", (long long)value);
}

void audit_unprivileged_bpf(const struct machine *m, struct finding *f)
{
	int64_t value;

	(void)m;
	if (!read_setting(f, SYSCTL "kernel/unprivileged_bpf_disabled", &value, STATE_OK,
			  "this kernel has no BPF programs", NULL))
		return;
	if (value)
		found(f, STATE_OK, NULL, "only root loads BPF programs");
	else
		found(f, STATE_OPEN, "sysctl kernel.unprivileged_bpf_disabled=1",
		      "every user runs BPF programs in the kernel: of use to who has found a bug in it, or in the CPU");
}

void audit_userfaultfd(const struct machine *m, struct finding *f)
{
	int64_t value;

	(void)m;
	if (!read_setting(f, SYSCTL "vm/unprivileged_userfaultfd", &value, STATE_OK,
			  "this kernel has no userfaultfd", NULL))
		return;
	if (!value)
		found(f, STATE_OK, NULL, "only root makes the kernel wait in page faults of its own");
	else
		found(f, STATE_OPEN, "sysctl vm.unprivileged_userfaultfd=0",
		      "every user makes the kernel wait in the midst of a copy: of use to who has found a bug in it");
}

void audit_aslr(const struct machine *m, struct finding *f)
{
	int64_t value;

	(void)m;
	if (machine_number(SYSCTL "kernel/randomize_va_space", &value))
		found_unreadable(f, SYSCTL "kernel/randomize_va_space");
	else if (value >= 2)
		found(f, STATE_OK, NULL, "programs are at addresses of chance");
	else
		found(f, STATE_OPEN, "sysctl kernel.randomize_va_space=2",
		      "addresses in a program can be foretold: of use to who has found a bug in an owner "
		      "(kernel.randomize_va_space=%lld)", (long long)value);
}

void audit_suid_dumps(const struct machine *m, struct finding *f)
{
	int64_t value;

	(void)m;
	if (machine_number(SYSCTL "fs/suid_dumpable", &value))
		found_unreadable(f, SYSCTL "fs/suid_dumpable");
	else if (value != 1)
		found(f, STATE_OK, NULL, "programs that changed their user leave no core dump%s", value ? " but to root"
		      : "");
	else
		found(f, STATE_OPEN, "sysctl fs.suid_dumpable=0",
		      "programs that changed their user leave core dumps to that user, and may be traced");
}
