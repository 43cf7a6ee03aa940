/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * audit: what the items of the audit have in common. Each item is a function
 * that looks at the machine and calls found() once; the table is in audit.c.
 */
#ifndef TOOL_AUDIT_H
#define TOOL_AUDIT_H

#include "machine.h"

enum state { STATE_OK, STATE_OPEN, STATE_UNKNOWN };

/**
 * struct finding - what an item has found
 * @state: STATE_OPEN only when it is, STATE_OK only when that has been seen
 * @what: what that means for protected memory, or why it is not known
 * @close: what to do about it, or NULL
 */
struct finding {
	enum state state;
	char *what;
	char *close;
};

void found(struct finding *f, enum state state, const char *close, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* STATE_UNKNOWN, for errno's reason. */
void found_unreadable(struct finding *f, const char *path);
/* Open, but for what @enough and higher levels of lockdown close. */
void found_unless_locked(struct finding *f, const struct machine *m, enum lockdown enough, const char *what);

#define CLOSE_INTEGRITY		"boot with lockdown=integrity or lockdown=confidentiality, see lockdown"
#define CLOSE_CONFIDENTIALITY	"boot with lockdown=confidentiality, see lockdown"
#define CLOSE_CONFIG		"put the kernel's configuration where its package has it: /boot/config-$(uname -r)"
#define CLOSE_ROOT		"run the audit as root"

/* audit_kernel.c: ways into the kernel */
void audit_lockdown(const struct machine *m, struct finding *f);
void audit_modules(const struct machine *m, struct finding *f);
void audit_devmem(const struct machine *m, struct finding *f);
void audit_raw_io(const struct machine *m, struct finding *f);
void audit_kcore(const struct machine *m, struct finding *f);
void audit_kexec(const struct machine *m, struct finding *f);
void audit_kdump(const struct machine *m, struct finding *f);
void audit_kprobes(const struct machine *m, struct finding *f);
void audit_tracing(const struct machine *m, struct finding *f);
void audit_bpf(const struct machine *m, struct finding *f);
void audit_bpf_override(const struct machine *m, struct finding *f);
void audit_perf(const struct machine *m, struct finding *f);
void audit_kgdb(const struct machine *m, struct finding *f);
void audit_loaded_modules(const struct machine *m, struct finding *f);
void audit_module_signed(const struct machine *m, struct finding *f);

/* audit_machine.c: hardware, firmware, disks */
void audit_secure_boot(const struct machine *m, struct finding *f);
void audit_hibernation(const struct machine *m, struct finding *f);
void audit_swap(const struct machine *m, struct finding *f);
void audit_iommu(const struct machine *m, struct finding *f);
void audit_ram_encryption(const struct machine *m, struct finding *f);
void audit_cpu_flaws(const struct machine *m, struct finding *f);
void audit_aes(const struct machine *m, struct finding *f);
void audit_freed_memory(const struct machine *m, struct finding *f);

/* audit_owner.c: the protected programs */
void audit_executables(const struct machine *m, struct finding *f);
void audit_core_dumps(const struct machine *m, struct finding *f);

/* audit_sysctl.c */
void audit_sysrq(const struct machine *m, struct finding *f);
void audit_ptrace_scope(const struct machine *m, struct finding *f);
void audit_kernel_pointers(const struct machine *m, struct finding *f);
void audit_kernel_log(const struct machine *m, struct finding *f);
void audit_perf_paranoid(const struct machine *m, struct finding *f);
void audit_unprivileged_bpf(const struct machine *m, struct finding *f);
void audit_userfaultfd(const struct machine *m, struct finding *f);
void audit_aslr(const struct machine *m, struct finding *f);
void audit_suid_dumps(const struct machine *m, struct finding *f);

#endif /* TOOL_AUDIT_H */
