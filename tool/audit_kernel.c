// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit_kernel: ways of root's into the kernel, or to what the kernel reads for
 * it. Which level of lockdown closes what is the kernel's enum lockdown_reason.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "module.h"
#include "util.h"

#define SIGNATURE	"~Module signature appended~\n" /* ends a signed module */

void audit_lockdown(const struct machine *m, struct finding *f)
{
	const char *now = "echo confidentiality >/sys/kernel/security/lockdown, once all modules are loaded; or boot "
			  "with lockdown=confidentiality, for which cryptmem.ko must be signed";

	switch (m->lockdown) {
	case LOCKDOWN_CONFIDENTIALITY:
		found(f, STATE_OK, NULL,
		      "confidentiality: the kernel neither shows root its memory nor lets it be changed; but see bpf "
		      "and perf");
		break;
	case LOCKDOWN_INTEGRITY:
		found(f, STATE_OPEN, now,
		      "integrity: root cannot change the kernel, but reads its memory, keys included");
		break;
	case LOCKDOWN_NONE:
		if (m->lockdown_why)
			found(f, STATE_OPEN,
			      "boot a kernel with CONFIG_SECURITY_LOCKDOWN_LSM, with lockdown in its lsm=, and "
			      "lockdown=confidentiality", "%s: root reads and changes the kernel's memory",
			      m->lockdown_why);
		else
			found(f, STATE_OPEN, now, "none: root reads and changes the kernel's memory, keys included");
		break;
	default:
		found(f, STATE_UNKNOWN, m->lockdown_how, "%s", m->lockdown_why);
	}
}

void audit_modules(const struct machine *m, struct finding *f)
{
	const char *disabled_at = "/proc/sys/kernel/modules_disabled";
	char *disabled = machine_text("%s", disabled_at), *enforced;

	if (!disabled && errno == ENOENT && machine_has("/proc/sys/kernel")) {
		found(f, STATE_OK, NULL, "this kernel loads no modules");
		return;
	}
	if (!disabled) {
		found_unreadable(f, disabled_at);
		return;
	}
	enforced = machine_text("/sys/module/module/parameters/sig_enforce");
	if (!strcmp(disabled, "1"))
		found(f, STATE_OK, NULL, "no more modules are loaded until the next boot");
	else if (enforced && !strcmp(enforced, "Y"))
		found(f, STATE_OK, NULL, "only modules signed by a key that the kernel trusts are loaded");
	else if (m->lockdown >= LOCKDOWN_INTEGRITY)
		found(f, STATE_OK, NULL, "lockdown lets no unsigned module be loaded");
	else
		found_unless_locked(f, m, LOCKDOWN_INTEGRITY,
				    "root may load any module: one that reads the keys, or all of RAM");
	if (f->state == STATE_OPEN) {
		free(f->close);
		f->close = need(strdup("sysctl kernel.modules_disabled=1, once all modules are loaded; or boot with "
				       "module.sig_enforce=1, for which cryptmem.ko must be signed"));
	}
	free(enforced);
	free(disabled);
}

void audit_devmem(const struct machine *m, struct finding *f)
{
	if (machine_config(m, "DEVMEM") == KNOWN_NO)
		found(f, STATE_OK, NULL, "this kernel has no /dev/mem");
	else if (machine_config(m, "STRICT_DEVMEM") == KNOWN_YES)
		found(f, STATE_OK, NULL, "/dev/mem shows devices, not RAM; but see raw-io");
	else if (m->lockdown < LOCKDOWN_INTEGRITY && machine_config(m, "STRICT_DEVMEM") == KNOWN_NOT)
		found(f, STATE_UNKNOWN, CLOSE_CONFIG,
		      "whether /dev/mem shows RAM: no configuration of this kernel found");
	else
		found_unless_locked(f, m, LOCKDOWN_INTEGRITY, "root reads and changes all of RAM through /dev/mem");
}

void audit_raw_io(const struct machine *m, struct finding *f)
{
	found_unless_locked(f, m, LOCKDOWN_INTEGRITY,
			    "root programs devices, ports and CPU registers behind the kernel's back: PCI resources in "
			    "/sys, /dev/port, /dev/cpu/*/msr");
}

void audit_kcore(const struct machine *m, struct finding *f)
{
	if (machine_has("/proc/self") && !machine_has("/proc/kcore"))
		found(f, STATE_OK, NULL, "this kernel has no /proc/kcore");
	else
		found_unless_locked(f, m, LOCKDOWN_CONFIDENTIALITY,
				    "root reads all of the kernel's memory, keys included, from /proc/kcore");
}

/* What becomes of frames and keys before another kernel starts: the module's doing. */
static const char *wiped(const struct machine *m)
{
	if (!device_loaded())
		return "cryptmem is not loaded: whether it would wipe frames and keys before, is not known";
	switch (machine_symbol(m, "cm_power_wipe", "cryptmem")) {
	case KNOWN_YES:
		return "frames and keys are wiped before";
	case KNOWN_NO:
		return "this cryptmem does not wipe frames and keys before";
	default:
		return "whether frames and keys are wiped before, cannot be told without /proc/kallsyms";
	}
}

void audit_kexec(const struct machine *m, struct finding *f)
{
	const char *close = "sysctl kernel.kexec_load_disabled=1, after kexec -u if a kernel is loaded";
	int64_t loaded, disabled = 0;

	if (machine_number("/sys/kernel/kexec_loaded", &loaded)) {
		if (errno == ENOENT && machine_has("/sys/kernel"))
			found(f, STATE_OK, NULL, "this kernel has no kexec");
		else
			found_unreadable(f, "/sys/kernel/kexec_loaded");
	} else if (loaded) {
		found(f, STATE_OPEN, close,
		      "a kernel is loaded that root starts without firmware checking it: it may look like this one, and "
		      "betray who trusts it later; %s", wiped(m));
	} else if (machine_number("/proc/sys/kernel/kexec_load_disabled", &disabled)) {
		found_unreadable(f, "/proc/sys/kernel/kexec_load_disabled");
	} else if (disabled) {
		found(f, STATE_OK, NULL, "no other kernel can be loaded until the next boot");
	} else if (m->lockdown >= LOCKDOWN_INTEGRITY) {
		found(f, STATE_OPEN, close,
		      "root starts a signed kernel, but with a command line and an initrd of its own: it may look like "
		      "this one, and betray who trusts it later; %s", wiped(m));
	} else {
		found(f, STATE_OPEN, close,
		      "root starts another kernel without firmware checking it: it may look like this one, and betray "
		      "who trusts it later; %s", wiped(m));
	}
}

void audit_kdump(const struct machine *m, struct finding *f)
{
	const char *close = "remove crashkernel= from the kernel's command line; until then: kexec -p -u && sysctl "
			    "kernel.kexec_load_disabled=1";
	int64_t loaded, size, disabled = 0;
	char *parameter;

	if (machine_number("/sys/kernel/kexec_crash_loaded", &loaded)) {
		if (errno == ENOENT && machine_has("/sys/kernel"))
			found(f, STATE_OK, NULL, "this kernel has no kdump");
		else
			found_unreadable(f, "/sys/kernel/kexec_crash_loaded");
		return;
	}
	/* What was asked for at boot need not have been had. */
	if (machine_number("/sys/kernel/kexec_crash_size", &size)) {
		parameter = machine_parameter(m, "crashkernel");
		size = parameter != NULL;
		free(parameter);
	}
	machine_number("/proc/sys/kernel/kexec_load_disabled", &disabled);
	if (loaded)
		found(f, STATE_OPEN, close,
		      "after a crash, which root can cause, the dump of RAM holds registers and ordinary memory of "
		      "programs; %s", wiped(m));
	else if (!size)
		found(f, STATE_OK, NULL, "no memory is reserved for a crash kernel");
	else if (disabled)
		found(f, STATE_OK, NULL,
		      "memory is reserved for a crash kernel, but none can be loaded until the next boot");
	else
		found(f, STATE_OPEN, close,
		      "root may load a crash kernel into the memory reserved for it, and dump registers and ordinary "
		      "memory of programs by a crash; %s", wiped(m));
}

/* How many lines; -1: not to be read. */
static int lines_of(const char *path)
{
	char *text = machine_text("%s", path), *at;
	int n;

	if (!text)
		return -1;
	n = *text != 0;
	for (at = text; *at; at++)
		n += *at == '\n';
	free(text);
	return n;
}

void audit_kprobes(const struct machine *m, struct finding *f)
{
	bool offered = machine_has("/sys/bus/event_source/devices/kprobe");
	enum known config = machine_config(m, "KPROBE_EVENTS");
	int set;

	if (!offered && config == KNOWN_NO) {
		found(f, STATE_OK, NULL, "this kernel offers root no kprobes");
		return;
	}
	if (!offered && config == KNOWN_NOT) {
		found(f, STATE_UNKNOWN, CLOSE_CONFIG,
		      "whether there are kprobes: no configuration of this kernel found");
		return;
	}
	set = lines_of("/sys/kernel/debug/kprobes/list");
	if (m->lockdown < LOCKDOWN_CONFIDENTIALITY)
		found_unless_locked(f, m, LOCKDOWN_CONFIDENTIALITY, set > 0 ?
				    "root reads the kernel's memory, keys included, by kprobes; some are set now" :
				    "root reads the kernel's memory, keys included, by kprobes");
	else if (set > 0)
		found(f, STATE_OPEN, "see /sys/kernel/debug/kprobes/list; reboot with lockdown=confidentiality",
		      "lockdown lets no kprobe be set, but %d set before it still are: they may read the kernel's memory",
		      set);
	else if (set < 0)
		found(f, STATE_UNKNOWN, "as root, with debugfs mounted on /sys/kernel/debug",
		      "lockdown lets no kprobe be set; whether any was before, cannot be read in "
		      "/sys/kernel/debug/kprobes/list");
	else
		found(f, STATE_OK, NULL, "closed by lockdown, and none is set");
}

void audit_tracing(const struct machine *m, struct finding *f)
{
	if (!machine_has("/sys/kernel/tracing") && machine_has("/sys/kernel"))
		found(f, STATE_OK, NULL, "this kernel has no tracefs");
	else
		found_unless_locked(f, m, LOCKDOWN_CONFIDENTIALITY,
				    "root has event probes read the kernel's memory, keys included, by tracefs");
}

/* A policy may deny to root what the kernel does not; which, is not looked into. */
static bool policy(struct finding *f)
{
	char *enforcing = machine_text("/sys/fs/selinux/enforce");
	bool on = enforcing && !strcmp(enforcing, "1");

	free(enforcing);
	if (on)
		found(f, STATE_UNKNOWN, "see what the policy grants: sesearch -A -c bpf,perf_event",
		      "SELinux is enforcing; whether its policy denies this to root is not looked into");
	return on;
}

void audit_bpf(const struct machine *m, struct finding *f)
{
	const char *close = "a kernel without CONFIG_BPF_SYSCALL, or a policy that denies root BPF programs (SELinux: bpf "
			    "prog_load); no sysctl does, nor lockdown";
	enum known syscall = machine_config(m, "BPF_SYSCALL"), events = machine_config(m, "BPF_EVENTS");
	/* Loads from any address, for which no program must wait for an event. */
	enum known cast = machine_symbol(m, "bpf_rdonly_cast", NULL);

	/* It is called by its number in there. */
	if (!machine_has("/sys/kernel/btf/vmlinux") && machine_has("/sys/kernel"))
		cast = KNOWN_NO;
	if (syscall == KNOWN_NO || (events == KNOWN_NO && cast == KNOWN_NO))
		found(f, STATE_OK, NULL, "this kernel runs no BPF programs that read memory");
	else if (events != KNOWN_YES && cast == KNOWN_NOT)
		found(f, STATE_UNKNOWN, CLOSE_CONFIG,
		      "whether BPF programs read memory: no /proc/kallsyms");
	else if (events == KNOWN_NOT && cast == KNOWN_NO)
		found(f, STATE_UNKNOWN, CLOSE_CONFIG,
		      "whether BPF programs read memory: no configuration of this kernel found");
	else if (policy(f))
		; /* has been told */
	else if (cast == KNOWN_YES)
		found(f, STATE_OPEN, close,
		      "a BPF program of root's reads the kernel's memory, keys included, even under lockdown "
		      "(bpf_rdonly_cast)");
	else if (cast == KNOWN_NOT && m->lockdown == LOCKDOWN_CONFIDENTIALITY)
		found(f, STATE_UNKNOWN, CLOSE_CONFIG,
		      "whether BPF programs read the kernel's memory even under lockdown (bpf_rdonly_cast): no /proc/kallsyms");
	else
		found_unless_locked(f, m, LOCKDOWN_CONFIDENTIALITY,
				    "a BPF program of root's reads the kernel's memory, keys included");
}

void audit_bpf_override(const struct machine *m, struct finding *f)
{
	enum known config = machine_config(m, "BPF_KPROBE_OVERRIDE");

	if (config == KNOWN_NO)
		found(f, STATE_OK, NULL,
		      "BPF programs cannot make functions of the kernel fail (CONFIG_BPF_KPROBE_OVERRIDE)");
	else if (m->lockdown < LOCKDOWN_CONFIDENTIALITY && config == KNOWN_NOT)
		found(f, STATE_UNKNOWN, CLOSE_CONFIG,
		      "whether BPF programs may make functions of the kernel fail: no configuration of this kernel "
		      "found");
	else
		found_unless_locked(f, m, LOCKDOWN_CONFIDENTIALITY,
				    "a BPF program of root's makes functions of the kernel fail when it likes "
				    "(CONFIG_BPF_KPROBE_OVERRIDE)");
}

void audit_perf(const struct machine *m, struct finding *f)
{
	(void)m;
	/* So the kernel's documentation tells whether there is perf. */
	if (!machine_has("/proc/sys/kernel/perf_event_paranoid") && machine_has("/proc/sys/kernel"))
		found(f, STATE_OK, NULL, "this kernel has no perf events");
	else if (!policy(f))
		found(f, STATE_OPEN,
		      "a policy that denies it to root (SELinux: perf_event); no sysctl does, nor lockdown",
		      "root samples a running owner's registers by perf_event_open()");
}

void audit_kgdb(const struct machine *m, struct finding *f)
{
	char *console = machine_text("/sys/module/kgdboc/parameters/kgdboc");
	enum known config = machine_config(m, "KGDB");
	char *what;

	if (!console && config == KNOWN_NO) {
		found(f, STATE_OK, NULL, "this kernel has no debugger");
	} else if (console && *console) {
		what = print("the kernel's debugger is ready on %s: it reads all memory", console);
		found_unless_locked(f, m, LOCKDOWN_CONFIDENTIALITY, what);
		free(what);
	} else if (m->lockdown < LOCKDOWN_CONFIDENTIALITY && !console && config == KNOWN_NOT) {
		found(f, STATE_UNKNOWN, CLOSE_CONFIG,
		      "whether there is a debugger: no configuration of this kernel found");
	} else {
		found_unless_locked(f, m, LOCKDOWN_CONFIDENTIALITY,
				    "root can turn on the kernel's debugger, which reads all memory");
	}
	free(console);
}

/* Letters of a module that nobody has vouched for, and their bits in what they leave the kernel with. */
static const struct {
	char letter;
	int64_t bit;
} taints[] = { { 'P', 1 << 0 }, { 'F', 1 << 1 }, { 'O', 1 << 12 }, { 'E', 1 << 13 } };

static int64_t taint_bits(const char *letters)
{
	int64_t bits = 0;
	size_t i;

	for (i = 0; i < sizeof(taints) / sizeof(*taints); i++)
		if (!letters || strchr(letters, taints[i].letter))
			bits |= taints[i].bit;
	return bits;
}

void audit_loaded_modules(const struct machine *m, struct finding *f)
{
	char **names, *list = NULL, *taint, *old;
	int i, n = machine_list("/sys/module", &names);
	int64_t tainted, ours = 0;

	(void)m;
	if (n < 0 || machine_number("/proc/sys/kernel/tainted", &tainted)) {
		found_unreadable(f, n < 0 ? "/sys/module" : "/proc/sys/kernel/tainted");
		machine_list_free(names, n);
		return;
	}
	for (i = 0; i < n; i++) {
		taint = machine_text("/sys/module/%s/taint", names[i]);
		if (taint && !strcmp(names[i], "cryptmem")) {
			ours = taint_bits(taint);
		} else if (taint && taint_bits(taint)) {
			old = list;
			list = print("%s%s%s (%s)", old ? old : "", old ? ", " : "", names[i], taint);
			free(old);
		}
		free(taint);
	}
	machine_list_free(names, n);
	if (list)
		found(f, STATE_OPEN, "modprobe -r what is not needed; reboot without it",
		      "have all rights of the kernel, but are out of tree (O), unsigned (E), forced (F) or proprietary "
		      "(P): %s", list);
	else if (tainted & taint_bits(NULL) & ~ours)
		found(f, STATE_OPEN, "reboot; who loaded it: journalctl -k -g taint",
		      "a module out of tree, unsigned, forced or proprietary was loaded and has gone: what it left in "
		      "the kernel is not known (kernel.tainted=%lld)", (long long)tainted);
	else
		found(f, STATE_OK, NULL, "%s is out of tree, unsigned, forced or proprietary", ours ?
		      "none but cryptmem" : "none");
	free(list);
}

/* Where depmod found it; to be freed. */
static char *module_file(const struct machine *m)
{
	char *deps = machine_text("/lib/modules/%s/modules.dep", m->release), *rest = deps, *line, *path = NULL;

	while (rest && !path && (line = strsep(&rest, "\n"))) {
		char *base, *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = 0;
		base = strrchr(line, '/');
		base = base ? base + 1 : line;
		if (!strncmp(base, "cryptmem.ko", 11))
			path = *line == '/' ? need(strdup(line)) : print("/lib/modules/%s/%s", m->release, line);
	}
	free(deps);
	return path;
}

/* Of the module that is loaded, else of the file that would be; in *where, to be freed, what was looked at. */
static enum known module_signed(const struct machine *m, char **where)
{
	enum known answer = KNOWN_NOT;
	char *text = machine_text("/sys/module/cryptmem/taint");
	size_t len;

	*where = NULL;
	if (text) {
		*where = need(strdup("/sys/module/cryptmem/taint"));
		/* A kernel that checks no signatures sets no letter for them. */
		if (machine_has("/sys/module/module/parameters/sig_enforce"))
			answer = strchr(text, 'E') ? KNOWN_NO : KNOWN_YES;
		free(text);
		return answer;
	}
	*where = module_file(m);
	text = *where ? machine_unpacked(*where, &len) : NULL;
	if (text)
		answer = len >= strlen(SIGNATURE) &&
					 !memcmp(text + len - strlen(SIGNATURE), SIGNATURE, strlen(SIGNATURE)) ?
				 KNOWN_YES : KNOWN_NO;
	free(text);
	return answer;
}

void audit_module_signed(const struct machine *m, struct finding *f)
{
	char *where;
	enum known answer = module_signed(m, &where);
	bool loaded = device_loaded();

	if (answer == KNOWN_YES)
		found(f, STATE_OK, NULL, "%s", loaded ? "cryptmem.ko is signed by a key that this kernel trusts" :
		      "cryptmem.ko is signed; loading it tells whether the key is trusted");
	else if (answer == KNOWN_NO)
		found(f, STATE_OPEN, "sign it, see SIGNING in cryptmem(8)",
		      "cryptmem.ko is not signed by a trusted key: signature enforcement and lockdown at boot would "
		      "refuse it, and so stay off");
	else if (!where)
		found(f, STATE_UNKNOWN, "make module-install && depmod", "cryptmem is neither loaded nor installed");
	else
		found(f, STATE_UNKNOWN, NULL, "whether cryptmem.ko is signed cannot be told from %s", where);
	free(where);
}
