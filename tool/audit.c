// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit: what on this machine lets root into the kernel or into a protected
 * program, and what else weakens protection. This file is the table of items,
 * and how they are told.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "commands.h"
#include "util.h"

enum severity { SEVERITY_HIGH, SEVERITY_MEDIUM, SEVERITY_LOW, SEVERITIES };

static const struct {
	const char *name;
	const char *meaning;
} severities[SEVERITIES] = {
	[SEVERITY_HIGH] = { "high", "root gets keys or plaintext out of protected memory, by software alone" },
	[SEVERITY_MEDIUM] = { "medium", "the same by hardware or preparation; or what the program has elsewhere" },
	[SEVERITY_LOW] = { "low", "helps an attack that needs more than this" },
};

static const char *const states[] = {
	[STATE_OK] = "ok",
	[STATE_OPEN] = "open",
	[STATE_UNKNOWN] = "unknown",
};

#define STATES	(sizeof(states) / sizeof(*states))

/**
 * struct item - one thing to look at
 * @name: stays: scripts depend on it
 * @severity: of its being open; the table is in this order
 * @look: finds out
 */
static const struct item {
	const char *name;
	enum severity severity;
	void (*look)(const struct machine *m, struct finding *f);
} items[] = {
	{ "lockdown", SEVERITY_HIGH, audit_lockdown },
	{ "modules", SEVERITY_HIGH, audit_modules },
	{ "dev-mem", SEVERITY_HIGH, audit_devmem },
	{ "raw-io", SEVERITY_HIGH, audit_raw_io },
	{ "kcore", SEVERITY_HIGH, audit_kcore },
	{ "kprobes", SEVERITY_HIGH, audit_kprobes },
	{ "tracing", SEVERITY_HIGH, audit_tracing },
	{ "bpf", SEVERITY_HIGH, audit_bpf },
	{ "perf", SEVERITY_HIGH, audit_perf },
	{ "kgdb", SEVERITY_HIGH, audit_kgdb },
	{ "loaded-modules", SEVERITY_HIGH, audit_loaded_modules },
	{ "executables", SEVERITY_HIGH, audit_executables },
	{ "module-signed", SEVERITY_MEDIUM, audit_module_signed },
	{ "secure-boot", SEVERITY_MEDIUM, audit_secure_boot },
	{ "kexec", SEVERITY_MEDIUM, audit_kexec },
	{ "kdump", SEVERITY_MEDIUM, audit_kdump },
	{ "hibernation", SEVERITY_MEDIUM, audit_hibernation },
	{ "swap", SEVERITY_MEDIUM, audit_swap },
	{ "core-dumps", SEVERITY_MEDIUM, audit_core_dumps },
	{ "bpf-override", SEVERITY_MEDIUM, audit_bpf_override },
	{ "iommu", SEVERITY_MEDIUM, audit_iommu },
	{ "ram-encryption", SEVERITY_MEDIUM, audit_ram_encryption },
	{ "cpu-flaws", SEVERITY_MEDIUM, audit_cpu_flaws },
	{ "aes", SEVERITY_MEDIUM, audit_aes },
	{ "freed-memory", SEVERITY_LOW, audit_freed_memory },
	{ "sysrq", SEVERITY_LOW, audit_sysrq },
	{ "ptrace-scope", SEVERITY_LOW, audit_ptrace_scope },
	{ "kernel-pointers", SEVERITY_LOW, audit_kernel_pointers },
	{ "kernel-log", SEVERITY_LOW, audit_kernel_log },
	{ "perf-paranoid", SEVERITY_LOW, audit_perf_paranoid },
	{ "unprivileged-bpf", SEVERITY_LOW, audit_unprivileged_bpf },
	{ "userfaultfd", SEVERITY_LOW, audit_userfaultfd },
	{ "aslr", SEVERITY_LOW, audit_aslr },
	{ "suid-dumps", SEVERITY_LOW, audit_suid_dumps },
};

#define ITEMS	(sizeof(items) / sizeof(*items))

void found(struct finding *f, enum state state, const char *close, const char *fmt, ...)
{
	va_list args;

	f->state = state;
	va_start(args, fmt);
	if (vasprintf(&f->what, fmt, args) < 0)
		f->what = NULL;
	va_end(args);
	/* Names of files and modules are others' to choose. */
	text_clean(need(f->what));
	f->close = close ? need(strdup(close)) : NULL;
	if (close)
		text_clean(f->close);
}

void found_unreadable(struct finding *f, const char *path)
{
	bool denied = errno == EACCES || errno == EPERM;

	found(f, STATE_UNKNOWN, denied ? CLOSE_ROOT : NULL, "cannot read %s: %s", path, strerror(errno));
}

void found_unless_locked(struct finding *f, const struct machine *m, enum lockdown enough, const char *what)
{
	const char *close = enough == LOCKDOWN_INTEGRITY ? CLOSE_INTEGRITY : CLOSE_CONFIDENTIALITY;

	if (m->lockdown >= enough)
		found(f, STATE_OK, NULL, "closed by lockdown");
	else if (m->lockdown == LOCKDOWN_UNKNOWN)
		found(f, STATE_UNKNOWN, "see lockdown", "only lockdown would close it, and %s", m->lockdown_why);
	else
		found(f, STATE_OPEN, close, "%s", what);
}

static void show_text(const struct finding *findings)
{
	size_t i;

	for (i = 0; i < ITEMS; i++) {
		const struct finding *f = &findings[i];
		enum severity s = items[i].severity;

		if (!i || s != items[i - 1].severity)
			printf("%s%s: %s\n", i ? "\n" : "", severities[s].name, severities[s].meaning);
		printf("%-8s %-17s %s", states[f->state], items[i].name, f->what);
		if (f->close)
			printf(" -> %s", f->close);
		putchar('\n');
	}
}

static struct json_object *items_json(const struct finding *findings)
{
	struct json_object *list = need(json_object_new_array());
	size_t i;

	for (i = 0; i < ITEMS; i++) {
		struct json_object *object = need(json_object_new_object());

		json_add_text(object, "name", items[i].name);
		json_add_text(object, "severity", severities[items[i].severity].name);
		json_add_text(object, "state", states[findings[i].state]);
		json_add_text(object, "what", findings[i].what);
		json_add_text(object, "close", findings[i].close);
		json_object_array_add(list, object);
	}
	return list;
}

static int report(const struct finding *findings, bool json)
{
	unsigned int of_state[STATES] = { 0 }, open_of[SEVERITIES] = { 0 };
	struct json_object *object;
	int status = EXIT_FINE;
	size_t i;

	for (i = 0; i < ITEMS; i++) {
		of_state[findings[i].state]++;
		open_of[items[i].severity] += findings[i].state == STATE_OPEN;
	}
	/* What is not known is not fine. */
	if (of_state[STATE_OPEN])
		status = EXIT_NOT_SO;
	else if (of_state[STATE_UNKNOWN])
		status = EXIT_TROUBLE;
	if (json) {
		object = need(json_object_new_object());
		json_object_object_add(object, "items", items_json(findings));
		for (i = 0; i < STATES; i++)
			json_add_u64(object, states[i], of_state[i]);
		return json_show(object, status);
	}
	show_text(findings);
	printf("\n%u open (%u high, %u medium, %u low), %u unknown, %u ok\n", of_state[STATE_OPEN],
	       open_of[SEVERITY_HIGH], open_of[SEVERITY_MEDIUM], open_of[SEVERITY_LOW], of_state[STATE_UNKNOWN],
	       of_state[STATE_OK]);
	return status;
}

int command_audit(int argc, char **argv)
{
	struct finding findings[ITEMS] = { 0 };
	struct machine m;
	bool json = false;
	int status, n = options(argc, argv, &json, &status);
	size_t i;

	if (n < 0)
		return status;
	if (n < argc)
		return usage_wrong("audit", "too many arguments");
	machine_learn(&m);
	for (i = 0; i < ITEMS; i++)
		items[i].look(&m, &findings[i]);
	machine_forget(&m);
	status = report(findings, json);
	for (i = 0; i < ITEMS; i++) {
		free(findings[i].what);
		free(findings[i].close);
	}
	return status;
}
