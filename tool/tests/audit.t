#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# cryptmem audit on faked machines: one on which every item is ok, and, for each item and state, that one with something
# changed. See fake.c.
cd "$(dirname "$0")/../.." || exit 2
tool=${TOOL:-build/tests/tool/cryptmem}
tests=0 failures=0
scratch=$(mktemp -d)
trap 'chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT
root=$scratch/root numbers=$scratch/numbers
export FAKE_ROOT=$root FAKE_NUMBERS=$numbers FAKE_LOADED=1 ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}

verdict() {	# verdict GOOD DESCRIPTION [DETAIL]
	tests=$((tests + 1))
	if [ "$1" = 1 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2${3:+ ($3)}"
		sed 's/^/# /' "$scratch/out" "$scratch/err"
		failures=$((failures + 1))
	fi
}

put() {	# put PATH LINE...: a file
	mkdir -p "$root${1%/*}"
	printf '%s\n' "${@:2}" >"$root$1"
}
gone() { rm -rf "${@/#/$root}"; }
deny() { chmod 000 "$root$1"; }
config() {	# config OPTION...: y, or off with a - before it
	local option
	for option; do
		[ ! -e "$root/boot/config-6.1.0-fake" ] || sed -i "/CONFIG_${option#-}[= ]/d" "$root/boot/config-6.1.0-fake"
		case $option in
		-*) echo "# CONFIG_${option#-} is not set" ;;
		*) echo "CONFIG_$option=y" ;;
		esac >>"$root/boot/config-6.1.0-fake"
	done
}
lockdown() {
	local levels=" none integrity confidentiality "
	put /sys/kernel/security/lockdown "${levels/ $1 / [$1] }"
}
owner() {	# owner PID REGIONS
	echo "$1 name active $2 16384 14 5 32 299 1 285 37 190 27 11 25 0 3 22 33" >>"$numbers/domains"
}
code() {	# code PID RANGE PATH WHAT-IT-LIES-ON: a mapping that can be executed, as the kernel writes both
	local start=${2%-*} end=${2#*-}
	mkdir -p "$root/proc/$1"
	printf '%08x-%08x r-xp 00001000 fe:00 1234                     %s\n' "0x$start" "0x$end" "$3" >>"$root/proc/$1/maps"
	put "/proc/$1/map_files/$2" "$4"
}
efi() { printf "\\6\\0\\0\\0\\$2" >"$root/sys/firmware/efi/efivars/$1"; }
secure_boot=SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
shim=MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23

# A machine on which all is well.
make_fresh() {
	mkdir -p "$root/boot" "$root/proc/self" "$root/sys/kernel/tracing" "$root/sys/firmware/efi/efivars" "$numbers" \
		"$root/sys/bus/event_source/devices/kprobe" "$root/sys/kernel/debug/kprobes" "$root/sys/class/block"
	lockdown confidentiality
	put /sys/kernel/security/lsm lockdown,yama
	config SECURITY_LOCKDOWN_LSM DEVMEM STRICT_DEVMEM KPROBE_EVENTS BPF_SYSCALL -BPF_EVENTS -BPF_KPROBE_OVERRIDE -KGDB \
		-INIT_ON_FREE_DEFAULT_ON
	put /proc/kallsyms "0000000000000000 T bpf_prog_load" "0000000000000000 t cm_power_wipe	[cryptmem]" "0000000000000000 T last_of_all"
	put /sys/kernel/btf/vmlinux types
	put /proc/cmdline "root=/dev/sda1 init_on_free=1 mem_encrypt=on quiet"
	put /proc/kcore core
	put /proc/cpuinfo "processor	: 0" "flags		: fpu aes sme sse2" "" "processor	: 1" "flags		: fpu"
	put /proc/swaps "Filename				Type		Size		Used		Priority"
	put /proc/sys/kernel/modules_disabled 1
	put /sys/module/module/parameters/sig_enforce Y
	put /sys/module/cryptmem/taint O
	put /sys/module/ext4/taint ""
	mkdir -p "$root/sys/module/printk"
	put /proc/sys/kernel/tainted 4096
	put /sys/kernel/kexec_loaded 0
	put /sys/kernel/kexec_crash_loaded 0
	put /sys/kernel/kexec_crash_size 0
	put /proc/sys/kernel/kexec_load_disabled 1
	: >"$root/sys/kernel/debug/kprobes/list"
	efi $secure_boot 1
	put /sys/power/state "freeze mem disk"
	put /sys/power/disk "[disabled]"
	put /sys/class/iommu/dmar0 x
	put /sys/kernel/iommu_groups/0/type DMA
	put /sys/kernel/iommu_groups/1/type DMA-FQ
	put /sys/devices/system/cpu/vulnerabilities/l1tf "Not affected"
	put /sys/devices/system/cpu/vulnerabilities/mds "Mitigation: Clear CPU buffers; SMT vulnerable"
	put /proc/sys/kernel/core_pattern "|/bin/false"
	put /proc/sys/kernel/sysrq 438
	put /proc/sys/kernel/yama/ptrace_scope 1
	put /proc/sys/kernel/kptr_restrict 1
	put /proc/sys/kernel/dmesg_restrict 1
	put /proc/sys/kernel/unprivileged_bpf_disabled 2
	put /proc/sys/vm/unprivileged_userfaultfd 0
	put /proc/sys/kernel/randomize_va_space 2
	put /proc/sys/fs/suid_dumpable 0
	echo "pid comm state regions mapped_pages used_pages window_pages window seals clean_seals unseals switch_seals switch_ns switch_ns_max tampered faults evictions locks parked refused" >"$numbers/domains"
	owner 10 1
	owner 14 0
	code 10 400000-401000 /usr/bin/agent "254:0 verity"
	code 10 7f0000000000-7f0000001000 /lib/libc.so.6 "254:0 verity"
	echo "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]" >>"$root/proc/10/maps"
	echo "7f0000002000-7f0000003000 r--p 00001000 fe:00 99                         /lib/data" >>"$root/proc/10/maps"
	cp -r "$root" "$scratch/fresh-root"
	cp -r "$numbers" "$scratch/fresh-numbers"
}
fresh() {
	chmod -R u+rwx "$root" 2>/dev/null
	rm -rf "$root" "$numbers"
	cp -r "$scratch/fresh-root" "$root"
	cp -r "$scratch/fresh-numbers" "$numbers"
}

# Counts what the text says by itself: the summary and the exit status must agree with it. Leaves the line of $2 in $line.
agrees() {
	local text last ok=0 open=0 unknown=0
	while IFS= read -r text; do
		last=$text
		case $text in
		"ok "*) ok=$((ok + 1)) ;;
		"open "*) open=$((open + 1)) ;;
		"unknown "*) unknown=$((unknown + 1)) ;;
		esac
		[[ ! $text =~ ^[a-z]+\ +${2:--}\  ]] || line=$text
	done <"$scratch/out"
	[ $((open + unknown + ok)) = 34 ] && [ "$1" = $((open ? 1 : unknown ? 2 : 0)) ] &&
		[[ $last =~ ^$open\ open\ \([0-9]+\ high,\ [0-9]+\ medium,\ [0-9]+\ low\),\ $unknown\ unknown,\ $ok\ ok$ ]]
}

# look ITEM STATE PATTERN DESCRIPTION: of the machine as it is now; then it is fresh again
look() {
	local status line='' good=0
	"$tool" audit >"$scratch/out" 2>"$scratch/err"
	status=$?
	agrees $status "$1" && [[ $line =~ ^$2\ +$1\ +.*$3 ]] && [ ! -s "$scratch/err" ] && good=1
	# What is open has a remedy, what is fine needs none.
	case $2 in
	open) [[ $line == *" -> "* ]] || good=0 ;;
	ok) [[ $line != *" -> "* ]] || good=0 ;;
	esac
	verdict $good "$1 $2: $4" "status $status"
	fresh
}

make_fresh
"$tool" audit >"$scratch/out" 2>"$scratch/err"
[ $? = 0 ] && agrees 0 && ! grep -qE '^(open|unknown) ' "$scratch/out" && grep -qx '0 open (0 high, 0 medium, 0 low), 0 unknown, 34 ok' "$scratch/out"
verdict $((!$?)) "all ok: exit status 0"

look lockdown ok 'confidentiality: .*see bpf and perf$' "confidentiality"
lockdown integrity; look lockdown open 'integrity: .*reads its memory.* -> echo confidentiality >' "integrity"
lockdown none; look lockdown open 'none: .* -> echo confidentiality >' "none"
gone /sys/kernel/security/lockdown; look lockdown open 'has no lockdown.* -> boot a kernel with' "securityfs, but no lockdown in it"
gone /sys/kernel/security; look lockdown unknown 'not mounted -> as root: mount -t securityfs' "no securityfs"
gone /sys/kernel/security; mkdir "$root/sys/kernel/security"; look lockdown unknown 'not mounted' "securityfs not mounted"
gone /sys/kernel/security; config -SECURITY_LOCKDOWN_LSM; look lockdown open 'has no lockdown' "not in the kernel's configuration"
deny /sys/kernel/security/lockdown; look lockdown unknown 'cannot be read -> run the audit as root$' "not to be read"
put /sys/kernel/security/lockdown rubbish; look lockdown unknown 'says nothing that is known$' "malformed"

signatures() { put /proc/sys/kernel/modules_disabled 0; put /sys/module/module/parameters/sig_enforce "$1"; lockdown "$2"; }
look modules ok 'no more modules' "no more are loaded"
signatures Y none; look modules ok 'only modules signed' "signatures are enforced"
signatures N integrity; look modules ok 'lockdown lets no unsigned' "lockdown"
signatures N none; look modules open 'any module.* -> sysctl kernel.modules_disabled=1.*module.sig_enforce=1' "any"
signatures N none; gone /sys/module/module; look modules open 'any module' "a kernel that knows no signatures"
signatures N none; put /sys/kernel/security/lockdown rubbish; look modules unknown 'only lockdown would close it' "level of lockdown not known"
gone /proc/sys/kernel/modules_disabled; look modules ok 'loads no modules' "a kernel without modules"
deny /proc/sys/kernel/modules_disabled; look modules unknown 'modules_disabled: Permission denied -> run' "not to be read"
gone /proc; look modules unknown 'modules_disabled: No such file or directory$' "no /proc"

look dev-mem ok 'shows devices, not RAM' "strict"
lockdown none; look dev-mem ok 'shows devices' "strict, without lockdown"
config -STRICT_DEVMEM; look dev-mem ok 'closed by lockdown' "lockdown"
config -STRICT_DEVMEM; lockdown integrity; look dev-mem ok 'closed by lockdown' "lockdown at integrity"
config -STRICT_DEVMEM; lockdown none; look dev-mem open 'all of RAM.* -> boot with lockdown=integrity' "not strict"
config -DEVMEM -STRICT_DEVMEM; lockdown none; look dev-mem ok 'no /dev/mem' "not in the kernel"
gone /boot; lockdown none; look dev-mem unknown 'no configuration .* -> put the' "no configuration"
gone /boot; lockdown integrity; look dev-mem ok 'closed by lockdown' "no configuration, but lockdown"
config -STRICT_DEVMEM; put /sys/kernel/security/lockdown x; look dev-mem unknown 'only lockdown' "level of lockdown not known"
long=$(printf '# %09999d' 0); put /boot/config-6.1.0-fake "$long" CONFIG_STRICT_DEVMEM=y CONFIG_DEVMEM=y; lockdown none; look dev-mem ok 'shows devices' "a long configuration"
: >"$root/boot/config-6.1.0-fake"; lockdown none; look dev-mem unknown 'no configuration' "an empty configuration"

# Where the configuration is found: each place is tried.
for place in /proc/config.gz /lib/modules/6.1.0-fake/config /lib/modules/6.1.0-fake/build/.config; do
	gone /boot
	lockdown none
	put ${place%.gz} "CONFIG_STRICT_DEVMEM=y" "CONFIG_DEVMEM=y"
	[ $place != /proc/config.gz ] || gzip "$root/proc/config"
	look dev-mem ok 'shows devices' "configuration in $place"
done
config -STRICT_DEVMEM; lockdown none; put /proc/config.gz "not packed"; look dev-mem open 'all of RAM' "a config.gz that cannot be unpacked"

look raw-io ok 'closed by lockdown' "lockdown"
lockdown integrity; look raw-io ok 'closed by lockdown' "lockdown at integrity"
lockdown none; look raw-io open 'msr -> boot with lockdown=integrity' "none"
gone /sys/kernel/security; look raw-io unknown 'only lockdown.*not mounted -> see lockdown' "level of lockdown not known"

look kcore ok 'closed by lockdown' "lockdown"
lockdown integrity; look kcore open 'keys included.* -> boot with lockdown=confidentiality' "integrity is not enough"
lockdown none; gone /proc/kcore; look kcore ok 'no /proc/kcore' "not in the kernel"
lockdown none; gone /proc; look kcore open '' "no /proc here, but it can be mounted"
gone /sys/kernel/security; look kcore unknown 'only lockdown' "level of lockdown not known"

look kexec ok 'no other kernel can be loaded' "disabled"
put /sys/kernel/kexec_loaded 1; look kexec open 'a kernel is loaded.*; frames and keys are wiped before -> .*kexec -u' "disabled too late"
put /proc/sys/kernel/kexec_load_disabled 0; look kexec open 'signed kernel.*; frames and keys are wiped before -> sysctl kernel.kexec_load_disabled=1' "lockdown only wants signed kernels"
put /proc/sys/kernel/kexec_load_disabled 0; lockdown integrity; look kexec open 'signed kernel' "so does lockdown at integrity"
put /proc/sys/kernel/kexec_load_disabled 0; lockdown none; look kexec open 'another kernel.*; frames and keys are wiped before ->' "any kernel"
put /sys/kernel/kexec_loaded 1; unset FAKE_LOADED; look kexec open 'cryptmem is not loaded: ' "no module, so nothing is said about keys"
export FAKE_LOADED=1
gone /sys/kernel/kexec_loaded; look kexec ok 'no kexec' "not in the kernel"
gone /proc/sys/kernel/kexec_load_disabled; look kexec unknown 'kexec_load_disabled: No such' "half of it"
deny /sys/kernel/kexec_loaded; look kexec unknown 'kexec_loaded: Permission denied -> run' "not to be read"
gone /sys; look kexec unknown 'kexec_loaded: No such' "no /sys"
put /sys/kernel/kexec_loaded x; look kexec unknown 'Invalid argument' "malformed"

look kdump ok 'no memory is reserved' "none"
put /sys/kernel/kexec_crash_loaded 1; look kdump open 'after a crash.*; frames and keys are wiped before -> remove crashkernel=.*kexec -p -u' "loaded"
crash() { put /sys/kernel/kexec_crash_loaded 1; put /proc/kallsyms "$@"; }
crash "0 T cm_power_wiper	[cryptmem]" "0 T cm_power_wipe	[other]" "0 T cm_power_wipe" "0 T xcm_power_wipe	[cryptmem]"; look kdump open 'this cryptmem does not wipe' "loaded, and a module that does not wipe"
crash "0 T cm_power_wipe	[cryptmem]"; look kdump open 'are wiped before ->' "the last symbol of all"
crash "0 T cm_power_wipe	[cryptmem]" "0 T z"; look kdump open 'are wiped before ->' "the first symbol of all"
crash; : >"$root/proc/kallsyms"; look kdump open 'cannot be told without /proc/kallsyms' "loaded, and no symbols"
crash; gone /proc/kallsyms; look kdump open 'cannot be told without /proc/kallsyms' "loaded, and symbols not in the kernel"
crash "0 T cm_power_wipe	[cryptmem]"; unset FAKE_LOADED; look kdump open 'cryptmem is not loaded: ' "loaded, but not the module"
export FAKE_LOADED=1
put /sys/kernel/kexec_crash_size 268435456; look kdump ok 'none can be loaded' "reserved, but disabled"
parameter() { put /proc/cmdline "init_on_free=1 mem_encrypt=on $1"; put /proc/sys/kernel/kexec_load_disabled 0; }
put /sys/kernel/kexec_crash_size 268435456; put /proc/sys/kernel/kexec_load_disabled 0; look kdump open 'may load a crash kernel.*; frames and keys are wiped before ->' "reserved"
parameter crashkernel=256M; look kdump ok 'no memory' "asked for in vain"
parameter crashkernel=256M; gone /sys/kernel/kexec_crash_size; look kdump open 'may load a crash kernel' "asked for"
parameter "xcrashkernel=1 crashkernelx=1"; gone /sys/kernel/kexec_crash_size; look kdump ok 'no memory' "a parameter of another name"
gone /sys/kernel/kexec_crash_loaded; look kdump ok 'no kdump' "not in the kernel"
deny /sys/kernel/kexec_crash_loaded; look kdump unknown 'Permission denied' "not to be read"

probe="ffffffff81000000  k  do_nanosleep+0x0    [FTRACE]"
look kprobes ok 'closed by lockdown, and none is set' "lockdown"
lockdown integrity; look kprobes open 'keys included, by kprobes -> boot with lockdown=confidentiality' "integrity is not enough"
lockdown none; put /sys/kernel/debug/kprobes/list "$probe"; look kprobes open 'some are set now' "some are set"
put /sys/kernel/debug/kprobes/list "$probe" "$probe"; look kprobes open '2 set before it still are' "set before the lockdown"
gone /sys/kernel/debug/kprobes; look kprobes unknown 'cannot be read.* -> as root, with debugfs' "no debugfs"
gone /sys/bus/event_source/devices/kprobe; config -KPROBE_EVENTS; lockdown none; look kprobes ok 'offers root no kprobes' "not in the kernel"
gone /sys/bus/event_source/devices/kprobe; lockdown none; look kprobes open 'by kprobes' "by the configuration alone"
gone /boot; lockdown none; look kprobes open 'by kprobes' "by what the kernel shows alone"
gone /boot; lockdown none; deny /sys/bus/event_source/devices/kprobe; look kprobes open 'by kprobes' "by something that is not to be read"
gone /boot /sys/bus/event_source/devices/kprobe; look kprobes unknown 'no configuration' "no sign of them"
gone /sys/kernel/security; look kprobes unknown 'only lockdown' "level of lockdown not known"

look tracing ok 'closed by lockdown' "lockdown"
lockdown integrity; look tracing open 'keys included, by tracefs -> boot with lockdown=confidentiality' "integrity is not enough"
lockdown none; gone /sys/kernel/tracing; look tracing ok 'no tracefs' "not in the kernel"
put /sys/kernel/security/lockdown x; look tracing unknown 'only lockdown' "level of lockdown not known"

cast() { put /proc/kallsyms "0000000000000000 T bpf_prog_load" "0000000000000000 T bpf_rdonly_cast" "0000000000000000 T z"; }
look bpf ok 'no BPF programs that read memory' "no BPF events in the kernel"
config BPF_EVENTS; look bpf ok 'closed by lockdown' "lockdown"
config BPF_EVENTS; cast; look bpf open 'keys included, even under lockdown \(bpf_rdonly_cast\) -> .*no sysctl does, nor lockdown' "lockdown does not close it"
config BPF_EVENTS; cast; gone /sys/kernel/btf; look bpf ok 'closed by lockdown' "lockdown, and no types to cast to"
config BPF_EVENTS; cast; gone /sys; look bpf open 'bpf_rdonly_cast' "no /sys, so types may be there"
config BPF_EVENTS; lockdown integrity; look bpf open 'the kernel.s memory, keys included -> boot with lockdown=confidentiality' "integrity is not enough"
config BPF_EVENTS; lockdown none; look bpf open 'the kernel.s memory, keys included -> boot with lockdown=confidentiality' "without lockdown"
config BPF_EVENTS; put /sys/kernel/security/lockdown x; look bpf unknown 'only lockdown' "level of lockdown not known"
config BPF_EVENTS; gone /proc/kallsyms; look bpf unknown 'even under lockdown .*no /proc/kallsyms' "symbols not in the kernel"
cast; look bpf open 'bpf_rdonly_cast' "no BPF events, but what needs none"
cast; lockdown none; look bpf open 'keys included, even under lockdown' "no BPF events, but what needs none, without lockdown"
gone /proc/kallsyms; look bpf unknown 'no /proc/kallsyms -> put' "no BPF events, symbols not in the kernel"
config BPF_EVENTS -BPF_SYSCALL; cast; look bpf ok 'no BPF' "no BPF in the kernel"
config BPF_EVENTS; put /sys/fs/selinux/enforce 1; look bpf unknown 'SELinux is enforcing.* -> .*sesearch' "SELinux may deny it"
config BPF_EVENTS; put /sys/fs/selinux/enforce 0; look bpf ok 'closed by lockdown' "SELinux only warns"
gone /boot; look bpf unknown 'no configuration' "no configuration"
gone /boot; cast; look bpf open 'bpf_rdonly_cast' "no configuration, but symbols"
gone /boot /proc/kallsyms; look bpf unknown 'no /proc/kallsyms -> put' "neither"

look bpf-override ok 'cannot make functions' "not in the kernel"
config BPF_KPROBE_OVERRIDE; look bpf-override ok 'closed by lockdown' "lockdown"
config BPF_KPROBE_OVERRIDE; lockdown integrity; look bpf-override open 'fail when it likes.* -> boot with lockdown=confidentiality' "integrity is not enough"
gone /boot; look bpf-override ok 'closed by lockdown' "no configuration, but lockdown"
gone /boot; lockdown none; look bpf-override unknown 'no configuration' "no configuration"

look perf ok 'no perf events' "not in the kernel"
put /proc/sys/kernel/perf_event_paranoid 3; look perf open 'samples a running owner.s registers .* -> a policy.*nor lockdown' "lockdown does not close it"
put /proc/sys/kernel/perf_event_paranoid 3; put /sys/fs/selinux/enforce 1; look perf unknown 'SELinux' "SELinux may deny it"

look kgdb ok 'no debugger' "not in the kernel"
config KGDB; look kgdb ok 'closed by lockdown' "lockdown"
config KGDB; lockdown integrity; look kgdb open 'can turn on.* -> boot with lockdown=confidentiality' "integrity is not enough"
lockdown none; put /sys/module/kgdboc/parameters/kgdboc ttyS0; look kgdb open 'ready on ttyS0' "in use"
lockdown none; gone /boot; put /sys/module/kgdboc/parameters/kgdboc ""; look kgdb open 'can turn on' "no configuration, but the parameter"
gone /boot; look kgdb ok 'closed by lockdown' "no configuration, but lockdown"
lockdown none; gone /boot; look kgdb unknown 'no configuration' "no configuration"

look loaded-modules ok 'none but cryptmem' "none but ours"
put /sys/module/cryptmem/taint OE; put /proc/sys/kernel/tainted 12288; look loaded-modules ok 'none but cryptmem' "ours is unsigned"
gone /sys/module/cryptmem; put /proc/sys/kernel/tainted 512; look loaded-modules ok 'none is out of tree' "a kernel that has only warned"
put /sys/module/zfs/taint PO; look loaded-modules open 'zfs \(PO\) -> modprobe -r' "proprietary"
put /sys/module/a/taint E; put /sys/module/b/taint F; look loaded-modules open ': a \(E\), b \(F\) ->' "unsigned, and forced"
put /sys/module/a/taint K; look loaded-modules ok 'none but' "a live patch"
put /proc/sys/kernel/tainted 12288; look loaded-modules open 'has gone.*tainted=12288\) -> reboot' "an unsigned one has gone, ours is signed"
put /proc/sys/kernel/tainted 4097; look loaded-modules open 'has gone' "a proprietary one has gone"
put /proc/sys/kernel/tainted 4098; look loaded-modules open 'has gone' "a forced one has gone"
gone /sys/module/cryptmem; look loaded-modules open 'has gone' "one out of tree has gone"
deny /proc/sys/kernel/tainted; look loaded-modules unknown 'tainted: Permission denied' "taint not to be read"
gone /sys/module; mkdir "$root/sys/module"; put /proc/sys/kernel/tainted 0; look loaded-modules ok 'none is' "there are none"
gone /sys/module; look loaded-modules unknown '/sys/module: No such' "no /sys/module"

look executables ok 'checked by the kernel' "fs-verity"
put /proc/10/map_files/400000-401000 "254:0"; put /sys/dev/block/254:0/dm/uuid CRYPT-VERITY-1234-root; look executables ok 'checked by the kernel' "dm-verity"
put /proc/10/map_files/400000-401000 "254:0"; put /sys/dev/block/254:0/dm/uuid CRYPT-LUKS2-1234-root; look executables open ': /usr/bin/agent -> fsverity enable' "dm-crypt is no dm-verity"
put /proc/10/map_files/7f0000000000-7f0000001000 "8:1"; look executables open ': /lib/libc.so.6 ->' "a library"
put /proc/10/map_files/7f0000000000-7f0000001000 "0:5"; look executables open ': /lib/libc.so.6 ->' "on no disk"
code 10 500000-501000 /lib/libc.so.6 "8:1"; code 10 600000-601000 /lib/libc.so.6 "8:1"; look executables open ': /lib/libc.so.6 ->' "each is named once"
for i in 2 3 5 6 7; do code 10 ${i}00000-${i}01000 /lib/$i "8:1"; done; look executables open ': /lib/2 /lib/3 /lib/5 and 2 more ->' "many"
for i in 2 3 5; do code 10 ${i}00000-${i}01000 /lib/$i "8:1"; done; look executables open ': /lib/2 /lib/3 /lib/5 ->' "three"
code 14 400000-401000 /usr/bin/x "8:1"; look executables ok 'checked' "who has no region does not count"
owner 11 1; look executables ok 'checked' "one has gone meanwhile"
owner 11 1; code 11 400000-401000 /usr/bin/other "8:1"; look executables open ': /usr/bin/other ->' "a second process"
code 10 500000-501000 $'/lib/\e[2J' "8:1"; look executables open ': /lib/\?\[2J ->' "a name with control characters"
deny /proc/10/maps; look executables unknown '/proc/10/maps: Permission denied -> run' "not to be read"
deny /proc/10/map_files/400000-401000; look executables unknown '/proc/10/maps: Permission denied' "its files are not to be read"
sed -i /^10/d "$numbers/domains"; look executables ok 'no process is protected' "nobody is protected"
export FAKE_NUMBERS=eacces; look executables unknown 'only root may .* -> run it as root' "not root"
export FAKE_NUMBERS=; look executables unknown 'debugfs is not mounted -> as root: mount' "no debugfs"
export FAKE_NUMBERS=$numbers
echo rubbish >"$numbers/domains"; look executables unknown 'malformed' "a malformed list"
sed -i 2,9d "$numbers/domains"; look executables ok 'no process is protected' "an empty list"
unset FAKE_LOADED; look executables ok 'no process is protected' "not loaded"
export FAKE_LOADED=1

signature="~Module signature appended~"
module() { unset FAKE_LOADED; gone /sys/module/cryptmem; put /lib/modules/6.1.0-fake/modules.dep "kernel/fs/ext4.ko: kernel/x.ko" "updates/cryptmem.ko$1: kernel/crypto/gcm.ko"; }
look module-signed ok 'a key that this kernel trusts' "loaded, and signed"
put /sys/module/cryptmem/taint OE; put /proc/sys/kernel/tainted 12288; look module-signed open 'not signed.* -> sign it, see SIGNING' "loaded, and not signed"
gone /sys/module/module; look module-signed unknown 'cannot be told from /sys/module/cryptmem/taint' "a kernel that knows no signatures"
module; put /lib/modules/6.1.0-fake/updates/cryptmem.ko elf "$signature"; look module-signed ok 'is signed; loading it tells' "installed, and signed"
module; put /lib/modules/6.1.0-fake/updates/cryptmem.ko elf "$signature" more; look module-signed open 'not signed' "installed, and not signed"
module; put /lib/modules/6.1.0-fake/updates/cryptmem.ko "$signature"; look module-signed ok 'is signed' "nothing but a signature"
module; put /lib/modules/6.1.0-fake/updates/cryptmem.ko x; look module-signed open 'not signed' "a short file"
for packer in xz gzip; do
	suffix=${packer/gzip/gz}
	module .$suffix; put /lib/modules/6.1.0-fake/updates/cryptmem.ko elf "$signature"; $packer -S .$suffix "$root/lib/modules/6.1.0-fake/updates/cryptmem.ko"
	look module-signed ok 'is signed' "packed by $packer"
done
module .xz; put /lib/modules/6.1.0-fake/updates/cryptmem.ko.xz "not packed"; look module-signed unknown 'cannot be told from /lib/modules/6.1.0-fake/updates/cryptmem.ko.xz' "cannot be unpacked"
module; look module-signed unknown 'cannot be told' "no such file"
module; gone /lib; look module-signed unknown 'neither loaded nor installed' "not installed"
export FAKE_LOADED=1

look secure-boot ok 'only signed kernels' "on"
efi $secure_boot 0; look secure-boot open 'Secure Boot is off.* -> turn on' "off"
efi $shim 1; look secure-boot open 'shim checks no signatures -> mokutil' "shim does not check"
efi $shim 0; look secure-boot ok 'only signed' "shim does"
gone /sys/firmware/efi; look secure-boot open 'not booted by UEFI' "BIOS"
gone /sys/firmware/efi/efivars; look secure-boot unknown 'not mounted -> as root: mount -t efivarfs' "no variables"
gone /sys/firmware/efi/efivars; mkdir "$root/sys/firmware/efi/efivars"; look secure-boot unknown 'not mounted' "variables not mounted"
gone /sys/firmware/efi/efivars/$secure_boot; put /sys/firmware/efi/efivars/Boot0 x; look secure-boot open 'is off' "firmware without it"
put /sys/firmware/efi/efivars/$secure_boot ""; look secure-boot unknown 'Invalid argument' "malformed"
deny /sys/firmware/efi/efivars/$secure_boot; look secure-boot unknown 'Permission denied' "not to be read"
gone /sys/firmware; look secure-boot unknown '/sys/firmware: No such' "no /sys"

look hibernation ok 'cannot hibernate' "disabled"
put /sys/power/disk "[platform] shutdown reboot"; look hibernation ok 'cryptmem refuses it' "refused by the module"
put /sys/power/disk "[platform]"; put /sys/power/state "freeze mem"; look hibernation ok 'cannot hibernate' "not among the states"
gone /sys/power; look hibernation ok 'cannot hibernate' "not in the kernel"
deny /sys/power/state; look hibernation unknown 'Permission denied' "not to be read"
gone /sys; look hibernation unknown 'No such' "no /sys"

swap() { echo "$1	$2	8388604	0	-2" >>"$root/proc/swaps"; }
disk() { mkdir -p "$root/sys/class/block/$1/slaves"; [ $# = 1 ] || put "/sys/class/block/$1/dm/uuid" "$2"; }
on() { mkdir -p "$root/sys/class/block/$1/slaves/$2"; cp -r "$root/sys/class/block/$2/." "$root/sys/class/block/$1/slaves/$2/"; }
look swap ok 'none: nothing' "none"
gone /proc/swaps; look swap ok 'none' "not in the kernel"
swap /dev/sda2 partition; disk sda2; look swap open ': /dev/sda2 -> swapoff /dev/sda2; or put it on dm-crypt' "a partition"
swap /dev/dm-0 partition; disk dm-0 CRYPT-PLAIN-swap; look swap ok 'encrypted, or in RAM' "dm-crypt"
swap /dev/dm-0 partition; disk dm-0 CRYPT-VERITY-x; look swap open ': /dev/dm-0' "dm-verity does not encrypt"
swap /dev/dm-0 partition; disk dm-0 CRYPT-INTEGRITY-x; look swap open ': /dev/dm-0' "dm-integrity does not encrypt"
swap /dev/dm-1 partition; disk dm-0 CRYPT-LUKS2-x; disk dm-1 LVM-y; on dm-1 dm-0; look swap ok 'encrypted' "LVM on dm-crypt"
swap /dev/dm-1 partition; disk sda3; disk dm-1 LVM-y; on dm-1 sda3; look swap open ': /dev/dm-1' "LVM on a partition"
swap /dev/dm-1 partition; disk dm-0 CRYPT-LUKS2-x; disk sda3; disk dm-1 LVM-y; on dm-1 dm-0; on dm-1 sda3; look swap open ': /dev/dm-1' "LVM on both"
swap /dev/dm-1 partition; disk sda3; disk zda CRYPT-LUKS2-x; disk dm-1 LVM-y; on dm-1 zda; on dm-1 sda3; look swap open ': /dev/dm-1' "LVM on both, in the other order"
swap /dev/loop0 partition; disk loop0; put /sys/class/block/loop0/loop/backing_file /x; look swap unknown 'cannot be told of: /dev/loop0' "a loop device"
swap /dev/dm-1 partition; disk dm-0 CRYPT-LUKS2-x; disk loop0; put /sys/class/block/loop0/loop/backing_file /x; disk dm-1; on dm-1 dm-0; on dm-1 loop0; look swap unknown 'of: /dev/dm-1' "dm-crypt and a loop device"
swap /dev/sdx partition; look swap unknown 'of: /dev/sdx' "a device that sysfs does not know"
swap /dev/zram0 partition; disk zram0; look swap ok 'in RAM' "zram"
swap /dev/zram0 partition; put /sys/class/block/zram0/backing_dev none; look swap ok 'in RAM' "zram without a disk"
swap /dev/zram0 partition; put /sys/class/block/zram0/backing_dev /dev/sda4; disk sda4; look swap open ': /dev/zram0' "zram that writes to a disk"
swap /dev/zram0 partition; put /sys/class/block/zram0/backing_dev /dev/dm-0; disk dm-0 CRYPT-LUKS2-x; look swap ok 'encrypted' "zram that writes to dm-crypt"
swap /dev/zram0 partition; put /sys/class/block/zram0/backing_dev odd; look swap unknown ': /dev/zram0' "zram that writes somewhere"
mounts() { put /proc/self/mountinfo "22 1 8:1 / / rw - ext4 /dev/sda1 rw" "23 22 254:0 / /var rw - ext4 /dev/dm-0 rw" "24 22 0:40 / /btr rw - btrfs /dev/sda5 rw"; mkdir -p "$root/sys/dev/block/8:1"; put /sys/dev/block/254:0/dm/uuid CRYPT-LUKS2-x; }
mounts; swap /swapfile file; look swap open ': /swapfile' "a file"
mounts; swap /var/swapfile file; look swap ok 'encrypted' "a file on dm-crypt"
mounts; swap /various/swapfile file; look swap open ': /various/swapfile' "a file beside it"
mounts; swap /btr/swapfile file; look swap unknown ': /btr/swapfile' "a file on btrfs"
swap /dev/dm-0 partition; disk dm-0 CRYPT-x; swap /dev/sda2 partition; disk sda2; swap /dev/sdb2 partition; disk sdb2; look swap open ': /dev/sda2 /dev/sdb2 -> swapoff /dev/sda2 /dev/sdb2;' "several"
swap odd partition; swap /odd partition; look swap unknown ': /odd' "malformed"
deny /proc/swaps; look swap unknown 'Permission denied' "not to be read"
gone /proc; look swap unknown '/proc/swaps: No such' "no /proc"

cores() { put /proc/sys/kernel/core_pattern "$1"; put /proc/10/limits "Limit                     Soft Limit           Hard Limit           Units     " "Max core file size        $2                    unlimited            bytes     "; }
look core-dumps ok 'thrown away' "thrown away"
cores "|/usr/lib/systemd/systemd-coredump %P" 0; look core-dumps open 'handed over to /usr/lib/systemd/systemd-coredump.* -> sysctl kernel.core_pattern=' "to a program, whatever the limit"
cores core 0; look core-dumps ok 'limit is 0' "to a file, but the limit is 0"
cores core unlimited; look core-dumps open 'process 10 leaves a core file \(core\)' "to a file"
cores core 0; owner 11 1; put /proc/11/limits "Max core file size        1048576     unlimited    bytes"; look core-dumps open 'process 11' "to a file, of another process"
cores core 0; put /proc/14/limits "Max core file size        unlimited"; look core-dumps ok 'limit is 0' "who has no region does not count"
cores core unlimited; sed -i /^10/d "$numbers/domains"; look core-dumps ok 'no process is protected' "nobody is protected"
cores core 0; owner 11 1; look core-dumps ok 'limit is 0' "one has gone meanwhile"
cores core 0; deny /proc/10/limits; look core-dumps unknown '/proc/10/limits: Permission' "limits not to be read"
cores core 0; put /proc/10/limits "rubbish"; look core-dumps unknown 'Invalid argument' "malformed limits"
put /proc/sys/kernel/core_pattern ""; put /proc/sys/kernel/core_uses_pid 0; look core-dumps ok 'thrown away' "an empty name"
cores "" unlimited; put /proc/sys/kernel/core_uses_pid 1; look core-dumps open 'process 10' "an empty name, but with the pid"
cores core 0; export FAKE_NUMBERS=eacces; look core-dumps unknown 'only root' "not root"
export FAKE_NUMBERS=$numbers
gone /proc/sys/kernel/core_pattern; look core-dumps ok 'no core dumps' "not in the kernel"
deny /proc/sys/kernel/core_pattern; look core-dumps unknown 'Permission denied' "not to be read"

look iommu ok 'only what the kernel' "in use"
gone /sys/class/iommu; look iommu open 'no IOMMU.* -> turn on' "none in the kernel"
gone /sys/class/iommu/dmar0; look iommu open 'no IOMMU' "none found"
gone /sys/kernel/iommu_groups; look iommu open 'no IOMMU' "no groups"
put /sys/kernel/iommu_groups/1/type identity; look iommu open 'passes 1 of 2 groups .* -> boot with iommu.passthrough=0' "passed through"
deny /sys/class/iommu; look iommu unknown 'Permission denied' "not to be read"
gone /sys; look iommu unknown '/sys/class/iommu: No such' "no /sys"

cpu() { put /proc/cpuinfo "processor	: 0" "flags		:${1:+ $1} aes"; }
look ram-encryption ok 'SME' "SME"
put /proc/cmdline "init_on_free=1"; look ram-encryption open 'does not have it.* -> boot with mem_encrypt=on' "SME, not in use"
put /proc/cmdline "init_on_free=1"; config AMD_MEM_ENCRYPT_ACTIVE_BY_DEFAULT; look ram-encryption ok 'SME' "SME by default"
put /proc/cmdline "init_on_free=1 mem_encrypt=off"; config AMD_MEM_ENCRYPT_ACTIVE_BY_DEFAULT; look ram-encryption open 'does not have it' "SME by default, but off"
put /proc/cmdline "init_on_free=1 mem_encrypt=on mem_encrypt=off"; look ram-encryption open 'does not have it' "the last parameter counts"
cpu hypervisor; look ram-encryption unknown 'a virtual machine.* -> dmesg' "a virtual machine"
cpu "hypervisor tdx_guest"; look ram-encryption ok 'to its host too' "TDX"
cpu "hypervisor"; put /sys/class/misc/sev-guest x; look ram-encryption ok 'to its host too' "SEV-SNP"
cpu tme; look ram-encryption unknown 'TME.* -> dmesg' "TME"
cpu "smex xsme"; look ram-encryption unknown 'TSME' "no flag"
gone /proc/cpuinfo; look ram-encryption unknown 'no flags' "no /proc"

look cpu-flaws ok 'no flaw' "none"
put /sys/devices/system/cpu/vulnerabilities/mds "Vulnerable; SMT vulnerable"; put /sys/devices/system/cpu/vulnerabilities/z Vulnerable; look cpu-flaws open ': mds z -> take mitigations=off' "two"
gone /sys/devices; look cpu-flaws unknown 'vulnerabilities: No such' "not told"
gone /sys/devices/system/cpu/vulnerabilities; mkdir "$root/sys/devices/system/cpu/vulnerabilities"; look cpu-flaws unknown 'vulnerabilities' "nothing told"

look aes ok 'has AES' "there"
put /proc/cpuinfo "flags		: fpu aesx xaes sme"; look aes open 'no AES instructions.* -> a CPU' "not there"
put /proc/cpuinfo "processor	: 0" "Features	: fp asimd aes"; look aes ok 'has AES' "as arm64 tells"
put /proc/cpuinfo "processor	: 0"; look aes unknown 'no flags' "no flags"

look freed-memory ok 'wiped' "by the command line"
put /proc/cmdline "mem_encrypt=on"; look freed-memory open 'pipes and sockets.* -> boot with init_on_free=1' "not"
put /proc/cmdline "mem_encrypt=on"; config INIT_ON_FREE_DEFAULT_ON; look freed-memory ok 'wiped' "by default"
put /proc/cmdline "mem_encrypt=on init_on_free=0"; config INIT_ON_FREE_DEFAULT_ON; look freed-memory open 'pipes' "by default, but off"
put /proc/cmdline "mem_encrypt=on init_on_free=on"; look freed-memory ok 'wiped' "in another word"
put /proc/cmdline "mem_encrypt=on"; gone /boot; look freed-memory unknown 'no configuration' "no configuration"

look sysrq ok 'no sysrq key' "harmless ones"
for value in 1 8 511; do put /proc/sys/kernel/sysrq $value; look sysrq open "sysrq=$value\\) -> sysctl kernel.sysrq=0" "$value"; done
put /proc/sys/kernel/sysrq 0; look sysrq ok 'no sysrq key' "0"
gone /proc/sys/kernel/sysrq; look sysrq ok 'no sysrq keys' "not in the kernel"
deny /proc/sys/kernel/sysrq; look sysrq unknown 'Permission denied' "not to be read"
gone /proc/sys; look sysrq unknown 'No such' "no /proc/sys"

look ptrace-scope ok 'only their children$' "1"
put /proc/sys/kernel/yama/ptrace_scope 3; look ptrace-scope ok 'not even those' "3"
put /proc/sys/kernel/yama/ptrace_scope 0; look ptrace-scope open 'trace an owner.* -> sysctl kernel.yama.ptrace_scope=1' "0"
gone /proc/sys/kernel/yama; look ptrace-scope open 'trace an owner.* -> boot with yama' "not in the kernel"
deny /proc/sys/kernel/yama/ptrace_scope; look ptrace-scope unknown 'Permission denied' "not to be read"

pointers() { put /proc/sys/kernel/kptr_restrict "$1"; [ $# = 1 ] || put /proc/sys/kernel/perf_event_paranoid "$2"; }
look kernel-pointers ok 'addresses$' "1"
pointers 2; look kernel-pointers ok 'not even root' "2"
pointers 0; look kernel-pointers ok 'only root' "0, but nobody measures the kernel"
pointers 0 2; look kernel-pointers ok 'only root' "0, but only root measures the kernel"
pointers 0 1; look kernel-pointers open 'kallsyms.* -> sysctl kernel.kptr_restrict=1' "0, and everybody measures it"
pointers 1 -1; look kernel-pointers ok 'only root' "1, and everybody measures it"
pointers 0 x; look kernel-pointers unknown 'perf_event_paranoid: Invalid' "malformed"
gone /proc/sys/kernel/kptr_restrict; look kernel-pointers unknown 'No such' "not told"

look kernel-log ok 'for root' "1"
put /proc/sys/kernel/dmesg_restrict 0; look kernel-log open '-> sysctl kernel.dmesg_restrict=1' "0"
gone /proc/sys/kernel/dmesg_restrict; look kernel-log unknown 'No such' "not told"

look perf-paranoid ok 'no perf' "not in the kernel"
put /proc/sys/kernel/perf_event_paranoid 2; look perf-paranoid ok 'at most their own' "2"
put /proc/sys/kernel/perf_event_paranoid 1; look perf-paranoid open 'paranoid=1\) -> sysctl kernel.perf_event_paranoid=2' "1"
put /proc/sys/kernel/perf_event_paranoid -1; look perf-paranoid open 'paranoid=-1\)' "-1"
put /proc/sys/kernel/perf_event_paranoid 3; deny /proc/sys/kernel/perf_event_paranoid; look perf-paranoid unknown 'Permission denied' "not to be read"

look unprivileged-bpf ok 'only root' "2"
put /proc/sys/kernel/unprivileged_bpf_disabled 1; look unprivileged-bpf ok 'only root' "1"
put /proc/sys/kernel/unprivileged_bpf_disabled 0; look unprivileged-bpf open '-> sysctl kernel.unprivileged_bpf_disabled=1' "0"
gone /proc/sys/kernel/unprivileged_bpf_disabled; look unprivileged-bpf ok 'no BPF' "not in the kernel"
deny /proc/sys/kernel/unprivileged_bpf_disabled; look unprivileged-bpf unknown 'Permission denied' "not to be read"

look userfaultfd ok 'only root' "0"
put /proc/sys/vm/unprivileged_userfaultfd 1; look userfaultfd open '-> sysctl vm.unprivileged_userfaultfd=0' "1"
gone /proc/sys/vm/unprivileged_userfaultfd; look userfaultfd ok 'no userfaultfd' "not in the kernel"
deny /proc/sys/vm/unprivileged_userfaultfd; look userfaultfd unknown 'Permission denied' "not to be read"

look aslr ok 'of chance' "2"
for value in 0 1; do put /proc/sys/kernel/randomize_va_space $value; look aslr open "space=$value\\) -> sysctl kernel.randomize_va_space=2" "$value"; done
gone /proc/sys/kernel/randomize_va_space; look aslr unknown 'No such' "not told"

look suid-dumps ok 'no core dump$' "0"
put /proc/sys/fs/suid_dumpable 2; look suid-dumps ok 'but to root' "2"
put /proc/sys/fs/suid_dumpable 1; look suid-dumps open '-> sysctl fs.suid_dumpable=0' "1"
gone /proc/sys/fs/suid_dumpable; look suid-dumps unknown 'No such' "not told"

# same DESCRIPTION STATUS: the two reports say the same, and exit so
same() {
	local text_status json_status
	"$tool" audit >"$scratch/out" 2>"$scratch/err"
	text_status=$?
	"$tool" audit --json >"$scratch/json" 2>>"$scratch/err"
	json_status=$?
	[ $text_status = "$2" ] && [ $json_status = "$2" ] && [ ! -s "$scratch/err" ] && python3 - "$scratch/out" "$scratch/json" 2>>"$scratch/err" <<-'PYTHON'
		import json, re, sys
		text = open(sys.argv[1]).read()
		x = json.load(open(sys.argv[2]))
		assert set(x) == {"items", "ok", "open", "unknown"}
		severity, lines, opens = None, [], {"high": 0, "medium": 0, "low": 0}
		for line in text.splitlines()[:-1]:
		    head = re.match("(high|medium|low): ", line)
		    if head:
		        severity = head[1]
		    elif line:
		        state, name, rest = re.match(r"(ok|open|unknown) +([a-z-]+) +(.*)$", line).groups()
		        what, arrow, close = rest.partition(" -> ")
		        lines.append({"name": name, "severity": severity, "state": state, "what": what, "close": close if arrow else None})
		        opens[severity] += state == "open"
		assert lines == x["items"]
		assert len({i["name"] for i in lines}) == 34 and len(re.findall("(?m)^(high|medium|low): ", text)) == 3
		order = [("high", "medium", "low").index(i["severity"]) for i in lines]
		assert order == sorted(order) and set(order) == {0, 1, 2}
		for state in "ok", "open", "unknown":
		    assert x[state] == sum(i["state"] == state for i in lines)
		assert text.splitlines()[-1] == (f'{x["open"]} open ({opens["high"]} high, {opens["medium"]} medium, {opens["low"]} low), '
		                                 f'{x["unknown"]} unknown, {x["ok"]} ok')
	PYTHON
	verdict $((!$?)) "text and --json: $1" "status $text_status, $json_status"
	fresh
}
same "all is ok" 0
lockdown none; put /proc/sys/kernel/sysrq 1; cpu hypervisor; swap /dev/sda2 partition; disk sda2; same "much is open" 1
deny /proc/swaps; same "one is unknown" 2
deny /proc/swaps; put /proc/sys/kernel/sysrq 1; same "one is open, one unknown" 1
gone /; mkdir "$root"; same "nothing to be seen at all" 1
rm -rf "$root"; same "not even a root directory" 1

is() {	# is DESCRIPTION STATUS PATTERN ARG...
	"$tool" "${@:4}" >"$scratch/out" 2>"$scratch/err"
	[ $? = "$2" ] && [[ $(cat "$scratch/out" "$scratch/err" | tr '\n' '|') =~ $3 ]]
	verdict $((!$?)) "$1"
}
is "no such option" 2 'error: no such option: --x' audit --x
echo "1..$tests"
[ $failures = 0 ]
