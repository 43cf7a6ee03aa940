#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command against the real module, as root in a guest: tests/vm/run -- prove --exec '' tool/tests/guest.t
cd "$(dirname "$0")/../.." || exit 2
tool=$PWD/build/bin/cryptmem
tests=0 failures=0
scratch=$(mktemp -d)
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT

# is DESCRIPTION STATUS PATTERN COMMAND ARG...: see command.t
is() {
	local description=$1 want=$2 pattern=$3 status
	shift 3
	tests=$((tests + 1))
	"$@" >"$scratch/out" 2>&1
	status=$?
	if [ $status = "$want" ] && [[ $(tr '\n' '|' <"$scratch/out") =~ $pattern ]]; then
		echo "ok $tests - $description"
	else
		echo "not ok $tests - $description (status $status, wanted $want and '$pattern')"
		sed 's/^/# /' "$scratch/out"
		failures=$((failures + 1))
	fi
}

nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# until_in STATE: the victim is so, in fifteen seconds at most. Or NAME +STATE: the command that runs it has a region, too, before it is that.
until_in() {
	local end=$((SECONDS + 15))
	while [ $SECONDS -lt $end ]; do
		"$tool" status "$victim" 2>/dev/null | grep -qE " $1 " && return 0
		sleep 0.1
	done
	return 1
}

# Where the preload library's heap is not: memory that is the victim's, to be written to from outside.
alter() {
	python3 - "$victim" <<-'END'
		import sys
		pid = sys.argv[1]
		for line in open(f"/proc/{pid}/maps"):
		    if line.split()[1] == "rw-p":
		        start = int(line.split("-")[0], 16)
		        break
		with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
		    mem.seek(start)
		    byte = mem.read(1)
		    mem.seek(start)
		    mem.write(byte)
	END
}

all_ok='^(ok [^|]*\|){7}protected\|$'
is "check, as root" 0 "$all_ok" "$tool" check
is "check, as nobody" 0 "$all_ok" nobody "$tool" check
is "check --json" 0 '"protected": true' "$tool" check --json
is "check sees ciphertext, not an error, in /proc/PID/mem" 0 'protected memory, read through /proc/PID/mem +ciphertext\|' "$tool" check
is "status: nobody is protected, not even this command" 0 'cipher    (gcm\(aes\)|aegis128)\|.*no process is protected\|$' "$tool"
is "status, as nobody" 0 'processes not shown: only root' nobody "$tool" status
is "status PID, as nobody" 2 'only root' nobody "$tool" status $$
is "stats, as nobody" 2 'only root' nobody "$tool" stats
is "status PID: not protected" 1 "^$$ is not protected" "$tool" status $$

"$tool" run sleep 1000 &
victim=$!
is "run sleep: it is protected" 0 '' until_in 'sleep +active'
is "status PID: protected" 0 "^\| *PID.*\| *$victim +sleep +active +[1-9]" "$tool" status $victim
is "status: it is in the list" 0 "\| *$victim +sleep +active" "$tool" status
is "status PID: one of two is not" 1 "$$ is not protected" "$tool" status $victim $$
strace -qq -p $victim -o /dev/null &
tracer=$!
is "status PID: traced" 0 '' until_in traced
is "status PID: traced is protected" 0 ' traced ' "$tool" status $victim
kill $tracer
wait $tracer 2>/dev/null
is "status PID: not traced any more" 0 '' until_in active
idle=$victim
"$tool" run bash -c 'while :; do x=$RANDOM; done' &
victim=$!
is "run a loop: it is protected" 0 '' until_in 'bash +active'
strace -qq -p $victim -o /dev/null &
tracer=$!
is "status PID: parked" 0 '' until_in parked
is "status PID: parked is protected" 0 ' parked ' "$tool" status $victim
kill $tracer
wait $tracer 2>/dev/null
is "status PID: parked no more" 0 '' until_in active
kill $victim
wait $victim 2>/dev/null
victim=$idle
is "its memory is written to from outside" 0 '^$' alter
is "status PID: locked" 1 ' locked ' "$tool" status $victim
is "status --json PID: locked" 1 '"state": "locked",\|      "protected": false,' "$tool" status --json $victim
kill $victim
wait $victim 2>/dev/null
is "status PID: gone" 1 'is not protected' "$tool" status $victim
is "stats" 0 'seals +[1-9].*clean share +[0-9.]+ %\|switch seal +[0-9.]+ us mean, [0-9.]+ us worst\|$' "$tool" stats

# registers [RUN'S OPTION]: what gdb says that attaches to a program that sleeps, all constructors behind it
registers() {
	local pid end=$((SECONDS + 15))
	"$tool" run "$@" sleep 1000 &
	pid=$!
	until [ $SECONDS -ge $end ] || { [ "$(cat /proc/$pid/comm)" = sleep ] && grep -q '^230 ' /proc/$pid/syscall; }; do
		sleep 0.1
	done
	gdb -nx -batch -p $pid -ex 'info registers rip' -ex 'info registers rsp'
	kill -KILL $pid
	wait $pid 2>/dev/null
	echo asked
}
is "run: gdb reads registers" 0 '\|rip +0x[0-9a-f]+ .*\|rsp +0x[0-9a-f]+ .*asked' registers
is "run --guard=hide: it does not" 0 'get registers: Operation not permitted.*asked' registers --guard=hide
is "run: SALLOC_GUARD does the same" 0 'get registers: Operation not permitted.*asked' env SALLOC_GUARD=refuse,hide \
	bash -c "$(declare -f registers); tool=$tool; registers"
is "run: an unknown word in SALLOC_GUARD" 134 '^libsalloc: preload: SALLOC_GUARD: not a list' env SALLOC_GUARD=hid "$tool" run true

is "run: the command's status" 7 '^$' "$tool" run sh -c 'exit 7'
is "run, as nobody" 0 'libsalloc-preload.so' nobody "$tool" run grep -m1 libsalloc-preload /proc/self/maps
is "run: the heap is in a region" 0 '/dev/cryptmem' "$tool" run grep cryptmem /proc/self/maps
is "run: without it, it is not" 1 '^$' grep cryptmem /proc/self/maps
agent=$(command -v ssh-agent)
if [ -g "$agent" ]; then
	is "run: the distribution's setgid ssh-agent is refused" 2 "error: $agent is setgid" "$tool" run "$agent" true
fi
cp "$agent" "$scratch/agent"
is "run: a copy of it is not" 0 '^/.*\|$' "$tool" run "$scratch/agent" sh -c 'echo $SSH_AUTH_SOCK'
cp /bin/true "$scratch/caps"
is "a program with file capabilities" 0 '' python3 -c "import os; os.setxattr('$scratch/caps', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))"
is "run: capabilities mean nothing to root" 0 '^$' "$tool" run "$scratch/caps"
is "run: file capabilities" 2 'is a program with file capabilities' nobody "$tool" run "$scratch/caps"

# Where a process may not even look at its own child, a check could not fail.
scope=/proc/sys/kernel/yama/ptrace_scope
if [ -e $scope ]; then
	was=$(cat $scope)
	echo 2 >$scope
	is "check: nothing is shown where nothing can be read" 2 'FAIL +ordinary memory.*not known\|cryptmem: error: ordinary memory cannot be read' nobody "$tool" check
	is "check --json: the same" 2 '"protected": false' nobody "$tool" check --json
	echo "$was" >$scope
fi

# The device's mode is udev's to choose.
chmod 600 /dev/cryptmem
is "run: may not open the device" 2 'error: cannot open /dev/cryptmem: Permission denied.*hint: see who may' nobody "$tool" run true
chmod 666 /dev/cryptmem
umount /sys/kernel/debug
is "status: no debugfs" 0 'processes not shown: debugfs is not mounted' "$tool" status
is "status PID: no debugfs" 2 'hint: as root: mount -t debugfs' "$tool" status 1
is "version" 0 '^cryptmem [0-9.]+, .*module [0-9.]+\|$' "$tool" version
echo "1..$tests"
[ $failures = 0 ]
