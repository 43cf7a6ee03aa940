#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# cryptmem audit on a real kernel: tests/vm/run -- prove --exec '' tool/tests/guest-audit.t
# What it says is tried out: what is open lets root in, what is closed does not. Booted with lockdown=confidentiality (and
# then with --no-module, as ours is not signed) it sees that; else lockdown is raised step by step.
cd "$(dirname "$0")/../.." || exit 2
tool=$PWD/build/bin/cryptmem
module=$PWD/build/kernel/$(uname -r)/cryptmem.ko
tests=0 failures=0
scratch=$(mktemp -d)
chmod 755 "$scratch"
: >"$scratch/said"

verdict() {	# verdict DESCRIPTION: of the command before
	local good=$?
	tests=$((tests + 1))
	if [ $good = 0 ]; then
		echo "ok $tests - $1"
	else
		echo "not ok $tests - $1"
		sed 's/^/# /' "$scratch/out" "$scratch/said"
		failures=$((failures + 1))
	fi
}
audit() {	# audit COMMAND...: its report, and exit status 1: bpf is open at least
	"$@" audit >"$scratch/out" 2>&1
	[ $? = 1 ]
	verdict "audit: something is open"
}
says() { grep -qE "^$1 +$2 .*$3" "$scratch/out"; verdict "$2 is $1${3:+: $3}"; }
refused() { ! "$@" >"$scratch/said" 2>&1 && grep -q "Operation not permitted" "$scratch/said"; }
rejected() { ! "$@" >"$scratch/said" 2>&1 && grep -q "Key was rejected by service" "$scratch/said"; }
raise() { echo "$1" >/sys/kernel/security/lockdown; }
kcore() { head -c 16 /proc/kcore >/dev/null; }
kprobe() { echo 'p:audit do_nanosleep' >/sys/kernel/tracing/kprobe_events && echo >/sys/kernel/tracing/kprobe_events; }
# instrument KIND WAY WHAT: what an owner of ordinary memory, or of a region, loses by a way of tool/tests/instruments.c
instrument() {
	local owner
	rm -f "$scratch/address"	# the last one's
	"$scratch/instruments" owner "$1" >"$scratch/address" &
	owner=$!
	for _ in {1..100}; do [ -s "$scratch/address" ] && break; sleep 0.1; done
	timeout 100 "$scratch/instruments" "$2" $owner $([ "$2" != user ] || cat "$scratch/address") >"$scratch/said" 2>&1
	grep -q "^$3" "$scratch/said"
	verdict "$1 memory, $2: $3"
	kill $owner
	wait $owner 2>/dev/null
}
casts() { grep -q ' bpf_rdonly_cast$' /proc/kallsyms; }
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

finish() {
	rm -rf "$scratch"
	echo "1..$tests"
	[ $failures = 0 ]
	exit
}

audit "$tool"
says unknown lockdown 'not mounted'
says unknown kcore
mount -t securityfs securityfs /sys/kernel/security
if grep -q 'lockdown=confidentiality' /proc/cmdline; then
	audit "$tool"
	says ok lockdown 'confidentiality: '
	says ok modules 'no unsigned module'
	says ok raw-io
	says ok kcore
	refused head -c 16 /proc/kcore; verdict "... it is not to be read"
	says ok kprobes 'none is set'
	! cat /sys/kernel/tracing/kprobe_events >"$scratch/said" 2>&1; verdict "... nor are kprobe_events"
	says ok tracing
	says open kexec 'signed kernel'
	says open kexec 'cryptmem is not loaded'
	if casts; then says open bpf 'even under lockdown'; else says ok bpf 'closed by lockdown'; fi
	says ok loaded-modules 'none is out of tree'
	says unknown module-signed 'neither loaded nor installed'
	refused insmod "$module"; verdict "an unsigned module is not loaded"
	finish
fi
audit "$tool"
says open lockdown 'none: '
says open modules
says ok dev-mem 'shows devices'
says open raw-io
says open kcore
kcore; verdict "... and can be read"
says open kexec 'another kernel.*are wiped before'
says ok kdump
says open kprobes 'kprobes ->'
kprobe; verdict "... and one can be set"
says open tracing
says open bpf 'keys included'
says open perf 'registers'
gcc -std=gnu11 -O1 -D_GNU_SOURCE -o "$scratch/instruments" tool/tests/instruments.c; verdict "the instruments"
# What a way does to ordinary memory says that it works. Regions first: nothing of another owner's in RAM yet.
instrument region user "not seen"
instrument ordinary user seen
instrument ordinary stack seen
instrument ordinary chain seen
instrument region stack "not seen"
instrument region chain "not seen"
instrument region helper seen
! casts || instrument region cast seen
banner=$(awk '$3 == "linux_banner" { print $1 }' /proc/kallsyms)
echo "e:audit/banner sched.sched_switch banner=@0x$banner:string" >/sys/kernel/tracing/dynamic_events &&
	echo 1 >/sys/kernel/tracing/events/audit/banner/enable && sleep 0.5
echo 0 >/sys/kernel/tracing/events/audit/banner/enable
grep -q 'banner="Linux version' /sys/kernel/tracing/trace; verdict "an event probe reads the kernel's memory"
echo >/sys/kernel/tracing/dynamic_events
says ok loaded-modules 'none but cryptmem'
says ok executables 'no process'
says open module-signed
says ok hibernation
says ok swap 'none'
says ok aes
echo 'p:audit do_nanosleep' >/sys/kernel/tracing/kprobe_events
echo 1 >/sys/kernel/tracing/events/kprobes/audit/enable
audit "$tool"
says open kprobes 'some are set now'
echo 0 >/sys/kernel/tracing/events/kprobes/audit/enable
echo >/sys/kernel/tracing/kprobe_events
echo 1 >/proc/sys/kernel/sysrq
echo 0 >/proc/sys/kernel/randomize_va_space
audit "$tool"
says open sysrq 'sysrq=1'
says open aslr 'space=0'

"$tool" run sleep 1000 &
victim=$!
for _ in {1..100}; do "$tool" status $victim 2>/dev/null | grep -q " sleep " && break; sleep 0.1; done
audit "$tool"
says open executables '/sleep .*libc'
says ok core-dumps 'limit is 0'
prlimit --pid $victim --core=unlimited
audit "$tool"
says open core-dumps "process $victim"
audit nobody "$tool"
says unknown executables 'only root'
says unknown core-dumps 'only root'
kill $victim
wait $victim 2>/dev/null

# A program all of whose code is in one file, with fs-verity and without.
cat >"$scratch/owner.c" <<-'OWNER'
	#include <fcntl.h>
	#include <sys/mman.h>
	#include <unistd.h>
	int main(void)
	{
		volatile char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("/dev/cryptmem", O_RDWR), 0);
		if (page == MAP_FAILED)
			return 1;
		*page = 1;
		return pause();
	}
OWNER
verity() {
	python3 - "$1" <<-'PYTHON'
		import fcntl, os, struct, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		fcntl.ioctl(fd, 0x40806685, struct.pack("<III116x", 1, 1, 4096))   # FS_IOC_ENABLE_VERITY
	PYTHON
}
owner() {
	"$scratch/disk/owner" &
	victim=$!
	for _ in {1..100}; do "$tool" status $victim >/dev/null 2>&1 && break; sleep 0.1; done
	audit "$tool"
	kill $victim
	wait $victim 2>/dev/null
}
mkdir "$scratch/disk"
truncate -s 16M "$scratch/image"
modprobe -a loop ext4 && mkfs.ext4 -q -b 4096 -O verity "$scratch/image" >"$scratch/out" 2>&1 &&
	mount -o loop "$scratch/image" "$scratch/disk" && gcc -static -o "$scratch/disk/owner" "$scratch/owner.c"
verdict "a file system with fs-verity"
owner
says open executables "$scratch/disk/owner"
verity "$scratch/disk/owner"; verdict "its code is verified from now on"
owner
says ok executables 'checked by the kernel'

raise integrity
audit "$tool"
says open lockdown 'integrity: '
says ok modules
refused insmod "$module"; verdict "... and no unsigned module is loaded"
says ok raw-io
refused head -c 1 /dev/mem; verdict "... and /dev/mem is not to be read"
says open kcore
kcore; verdict "... and can be read still"
says open kprobes
kprobe; verdict "... and one can be set still"
says open kexec 'signed kernel'
says ok hibernation 'cannot hibernate'
echo 1 >/sys/module/module/parameters/sig_enforce
audit "$tool"
says ok modules 'only modules signed'
rejected insmod "$module"; verdict "... and an unsigned one is told so"

raise confidentiality
audit "$tool"
says ok lockdown 'confidentiality: '
says ok kcore
says ok kprobes 'none is set'
says ok tracing
if casts; then says open bpf 'bpf_rdonly_cast'; else says ok bpf 'closed by lockdown'; fi
says open perf
instrument region user "not seen"
instrument region stack "not seen"
instrument region chain "not seen"
instrument region helper refused
! casts || instrument region cast seen
says ok executables 'no process'
refused head -c 16 /proc/kcore; verdict "/proc/kcore is not to be read"
refused cat /sys/kernel/tracing/kprobe_events; verdict "... nor are kprobe_events"
"$tool" check >"$scratch/out" 2>&1; verdict "what was loaded before goes on to protect"
echo 1 >/proc/sys/kernel/kexec_load_disabled
echo 1 >/proc/sys/kernel/modules_disabled
audit "$tool"
says ok kexec 'no other kernel'
says ok modules 'no more modules'
umount "$scratch/disk"
finish
