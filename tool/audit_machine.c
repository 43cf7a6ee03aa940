// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit_machine: hardware, firmware and disks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "module.h"
#include "util.h"

#define EFIVARS		"/sys/firmware/efi/efivars/"
#define SECURE_BOOT	EFIVARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SHIM_IDLE	EFIVARS "MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23"
#define STACKED_MAX	8 /* devices on devices */

/* A variable of one byte, after four of attributes; or -1 with errno. */
static int efi_byte(const char *path)
{
	size_t len;
	char *bytes = machine_unpacked(path, &len);
	int value = -1;

	if (bytes && len == 5)
		value = (unsigned char)bytes[4];
	else if (bytes)
		errno = EINVAL;
	free(bytes);
	return value;
}

void audit_secure_boot(const struct machine *m, struct finding *f)
{
	const char *close = "turn on Secure Boot in the firmware's setup, and boot a signed kernel by UEFI";
	char **names;
	int on, n;

	(void)m;
	if (!machine_has("/sys/firmware/efi")) {
		if (machine_has("/sys/firmware"))
			found(f, STATE_OPEN, close,
			      "not booted by UEFI: who writes to the disk chooses the next kernel, and that sees "
			      "everything");
		else
			found_unreadable(f, "/sys/firmware");
		return;
	}
	n = machine_list(EFIVARS, &names);
	machine_list_free(names, n);
	on = efi_byte(SECURE_BOOT);
	if (on < 0 && errno == ENOENT && n <= 0)
		found(f, STATE_UNKNOWN, "as root: mount -t efivarfs efivarfs " EFIVARS,
		      "the firmware's variables are not mounted");
	else if (on < 0 && errno != ENOENT)
		found_unreadable(f, SECURE_BOOT);
	else if (on != 1)
		found(f, STATE_OPEN, close,
		      "Secure Boot is off: who writes to the disk chooses the next kernel, and that sees everything");
	else if (efi_byte(SHIM_IDLE) == 1)
		found(f, STATE_OPEN, "mokutil --enable-validation, then reboot",
		      "Secure Boot is on, but shim checks no signatures");
	else
		found(f, STATE_OK, NULL, "Secure Boot is on: only signed kernels are booted");
}

void audit_hibernation(const struct machine *m, struct finding *f)
{
	char *modes = machine_text("/sys/power/disk"), *states = machine_text("/sys/power/state");

	(void)m;
	if (!states && (errno != ENOENT || !machine_has("/sys/kernel")))
		found_unreadable(f, "/sys/power/state");
	else if (!states || !strstr(states, "disk") || !modes || strstr(modes, "[disabled]"))
		found(f, STATE_OK, NULL, "this machine cannot hibernate as it is now");
	else
		found(f, STATE_OK, NULL, "possible, but while there are regions cryptmem refuses it, or drops what they hold");
	free(states);
	free(modes);
}

static bool starts(const char *text, const char *with)
{
	return text && !strncmp(text, with, strlen(with));
}

/* Is all that is written to a block device encrypted? By its directory in sysfs. */
static enum known encrypted(const char *dir, int depth)
{
	char *uuid = machine_text("%s/dm/uuid", dir), *path, **names;
	enum known answer = KNOWN_NO, below;
	int i, n;

	if (starts(uuid, "CRYPT-") && !starts(uuid, "CRYPT-VERITY") && !starts(uuid, "CRYPT-INTEGRITY")) {
		free(uuid);
		return KNOWN_YES;
	}
	free(uuid);
	if (machine_has("%s/loop/backing_file", dir) || depth == STACKED_MAX || !machine_has("%s", dir))
		return KNOWN_NOT;
	path = print("%s/slaves", dir);
	n = machine_list(path, &names);
	for (i = 0; i < n; i++) {
		char *slave = print("%s/%s", path, names[i]);

		below = encrypted(slave, depth + 1);
		/* As weak as the weakest of them. */
		if (!i || below == KNOWN_NO || (below == KNOWN_NOT && answer == KNOWN_YES))
			answer = below;
		free(slave);
		if (answer == KNOWN_NO)
			break;
	}
	machine_list_free(names, n);
	free(path);
	return answer;
}

/* zram is RAM, but may write to a disk what it has no room for. */
static enum known zram_safe(const char *name)
{
	char *backing = machine_text("/sys/class/block/%s/backing_dev", name), *dir;
	enum known answer = KNOWN_YES;

	if (starts(backing, "/dev/")) {
		dir = print("/sys/class/block/%s", strrchr(backing, '/') + 1);
		answer = encrypted(dir, 0);
		free(dir);
	} else if (backing && strcmp(backing, "none")) {
		answer = KNOWN_NOT;
	}
	free(backing);
	return answer;
}

/* What the file system with a file on it is on: the mount whose path is the longest part of the file's. */
static enum known file_safe(const char *file)
{
	char *text = machine_text("/proc/self/mountinfo"), *rest = text, *line, *dir;
	unsigned int major, minor, best_major = 0, best_minor = 0;
	enum known answer = KNOWN_NOT;
	char point[4096];
	size_t best = 0, len;

	while (rest && (line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%*s %*s %u:%u %*s %4095s", &major, &minor, point) != 3)
			continue;
		len = strcmp(point, "/") ? strlen(point) : 0;
		/* A later mount covers an earlier one. */
		if (len >= best && !strncmp(file, point, len) && file[len] == '/') {
			best = len;
			best_major = major;
			best_minor = minor;
		}
	}
	free(text);
	if (best_major) {
		dir = print("/sys/dev/block/%u:%u", best_major, best_minor);
		answer = encrypted(dir, 0);
		free(dir);
	}
	return answer;
}

static enum known swap_safe(const char *where, const char *type)
{
	char *dir;
	enum known answer;

	if (!strcmp(type, "file"))
		return file_safe(where);
	if (starts(where, "/dev/zram"))
		return zram_safe(where + strlen("/dev/"));
	if (!starts(where, "/dev/"))
		return KNOWN_NOT;
	dir = print("/sys/class/block/%s", strrchr(where, '/') + 1);
	answer = encrypted(dir, 0);
	free(dir);
	return answer;
}

void audit_swap(const struct machine *m, struct finding *f)
{
	char *text = machine_text("/proc/swaps"), *rest = text, *line, *open = NULL, *unknown = NULL, *close, *old,
		     **to;
	char where[4096], type[32];
	enum known safe;
	int n = 0;

	(void)m;
	if (!text && (errno != ENOENT || !machine_has("/proc/self"))) {
		found_unreadable(f, "/proc/swaps");
		return;
	}
	while (rest && (line = strsep(&rest, "\n"))) {
		if (*line != '/' || sscanf(line, "%4095s %31s", where, type) != 2)
			continue;
		n++;
		safe = swap_safe(where, type);
		if (safe == KNOWN_YES)
			continue;
		to = safe == KNOWN_NO ? &open : &unknown;
		old = *to;
		*to = print("%s%s%s", old ? old : "", old ? " " : "", where);
		free(old);
	}
	free(text);
	if (open) {
		close = print("swapoff %s; or put it on dm-crypt (crypttab: swap, with a key from /dev/urandom)", open);
		found(f, STATE_OPEN, close,
		      "not encrypted: sealed pages go out as ciphertext, but stack, static variables and ordinary heap "
		      "of the program as they are: %s", open);
		free(close);
	} else if (unknown) {
		found(f, STATE_UNKNOWN, NULL,
		      "sealed pages go out as ciphertext; whether the rest of the program does cannot be told of: %s",
		      unknown);
	} else {
		found(f, STATE_OK, NULL, "%s", n ? "all of it is encrypted, or in RAM" :
		      "none: nothing of a program goes to a disk");
	}
	free(open);
	free(unknown);
}

void audit_iommu(const struct machine *m, struct finding *f)
{
	const char *close = "turn on VT-d or AMD-Vi in the firmware's setup, boot with intel_iommu=on or "
			    "amd_iommu=force_enable";
	char **names, *type;
	int i, n = machine_list("/sys/class/iommu", &names), identity = 0;

	(void)m;
	machine_list_free(names, n);
	if (n < 0 && (errno != ENOENT || !machine_has("/sys/class"))) {
		found_unreadable(f, "/sys/class/iommu");
		return;
	}
	if (n > 0)
		n = machine_list("/sys/kernel/iommu_groups", &names);
	if (n <= 0) {
		found(f, STATE_OPEN, close,
		      "no IOMMU is in use: any device that does DMA reads RAM, the keys and the windows in it");
		return;
	}
	for (i = 0; i < n; i++) {
		type = machine_text("/sys/kernel/iommu_groups/%s/type", names[i]);
		identity += starts(type, "identity");
		free(type);
	}
	machine_list_free(names, n);
	if (identity)
		found(f, STATE_OPEN, "boot with iommu.passthrough=0 iommu.strict=1",
		      "the IOMMU passes %d of %d groups of devices through: they read RAM by DMA, the keys and the "
		      "windows in it", identity, n);
	else
		found(f, STATE_OK, NULL, "devices reach by DMA only what the kernel gives them");
}

/* Flags tell what a CPU can, not what is in use, but for these two. */
void audit_ram_encryption(const struct machine *m, struct finding *f)
{
	char *parameter = machine_parameter(m, "mem_encrypt");
	bool on = parameter ? !strcmp(parameter, "on") :
			      machine_config(m, "AMD_MEM_ENCRYPT_ACTIVE_BY_DEFAULT") == KNOWN_YES;
	const char *means = "who takes out the memory, or boots over it, finds the keys and the windows";

	free(parameter);
	if (!m->flags)
		found(f, STATE_UNKNOWN, NULL, "no flags of the CPU in /proc/cpuinfo");
	else if (machine_flag(m, "tdx_guest") || machine_has("/sys/class/misc/sev-guest"))
		found(f, STATE_OK, NULL, "this virtual machine's RAM is encrypted, to its host too");
	else if (machine_flag(m, "hypervisor"))
		found(f, STATE_UNKNOWN,
		      "dmesg | grep -i 'memory encryption'; use a confidential virtual machine: SEV-SNP, TDX",
		      "a virtual machine: unless its RAM is encrypted, who controls its host finds the keys and the "
		      "windows");
	else if (machine_flag(m, "sme") && on)
		found(f, STATE_OK, NULL, "RAM is encrypted (SME)");
	else if (machine_flag(m, "sme"))
		found(f, STATE_OPEN, "boot with mem_encrypt=on",
		      "the CPU can encrypt RAM (SME), the kernel does not have it do so: %s", means);
	else if (machine_flag(m, "tme"))
		found(f, STATE_UNKNOWN, "dmesg | grep x86/tme",
		      "the CPU can encrypt RAM (TME); only the log tells whether the firmware has it do so");
	else
		found(f, STATE_UNKNOWN, "see the firmware's setup: TSME, TME",
		      "no sign that RAM is encrypted; what the firmware does by itself (TSME) is not to be seen. If it "
		      "is not, %s", means);
}

void audit_cpu_flaws(const struct machine *m, struct finding *f)
{
	const char *dir = "/sys/devices/system/cpu/vulnerabilities";
	char **names, *text, *list = NULL, *old;
	int i, n = machine_list(dir, &names);

	(void)m;
	if (n <= 0) {
		found_unreadable(f, dir);
		return;
	}
	for (i = 0; i < n; i++) {
		text = machine_text("%s/%s", dir, names[i]);
		if (starts(text, "Vulnerable")) {
			old = list;
			list = print("%s%s%s", old ? old : "", old ? " " : "", names[i]);
			free(old);
		}
		free(text);
	}
	machine_list_free(names, n);
	if (list)
		found(f, STATE_OPEN,
		      "take mitigations=off and the like off the kernel's command line; update microcode and kernel",
		      "flaws of this CPU that the kernel has no remedy in place for: what it or a running owner works "
		      "on may leak to other programs: %s", list);
	else
		found(f, STATE_OK, NULL, "the kernel knows of no flaw of this CPU without a remedy in place");
	free(list);
}

void audit_aes(const struct machine *m, struct finding *f)
{
	if (!m->flags)
		found(f, STATE_UNKNOWN, NULL, "no flags of the CPU in /proc/cpuinfo");
	else if (machine_flag(m, "aes"))
		found(f, STATE_OK, NULL, "the CPU has AES instructions");
	else
		found(f, STATE_OPEN,
		      "a CPU with AES instructions; in a virtual machine, a CPU model that shows them (-cpu host)",
		      "no AES instructions: sealing is slow, and look-ups in tables may give the key away to other "
		      "programs (timing)");
}

void audit_freed_memory(const struct machine *m, struct finding *f)
{
	char *parameter = machine_parameter(m, "init_on_free");
	enum known on = machine_config(m, "INIT_ON_FREE_DEFAULT_ON");

	if (parameter && (!strcmp(parameter, "1") || !strcmp(parameter, "on") || !strcmp(parameter, "y")))
		on = KNOWN_YES;
	else if (parameter)
		on = KNOWN_NO;
	if (on == KNOWN_YES)
		found(f, STATE_OK, NULL, "memory is wiped when it is freed, copies in the kernel's buffers included");
	else if (on == KNOWN_NOT)
		found(f, STATE_UNKNOWN, "boot with init_on_free=1",
		      "no init_on_free= on the kernel's command line, and no configuration of this kernel found");
	else
		found(f, STATE_OPEN, "boot with init_on_free=1",
		      "what went through pipes and sockets of the program stays in RAM after it is freed, until that "
		      "memory is used again");
	free(parameter);
}
