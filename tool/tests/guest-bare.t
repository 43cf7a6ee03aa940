#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command on a real machine without the module: tests/vm/run --no-module -- prove --exec '' tool/tests/guest-bare.t
cd "$(dirname "$0")/../.." || exit 2
tool=$PWD/build/bin/cryptmem
tests=0 failures=0
for case in "1 status" "1 status 1" "1 stats" "1 check" "2 run true"; do
	tests=$((tests + 1))
	# shellcheck disable=SC2086
	said=$("$tool" ${case#? } 2>&1)
	if [ $? = "${case%% *}" ] && [[ $said == *"error: the kernel module cryptmem is not loaded"*hint:* ]]; then
		echo "ok $tests - ${case#? }: not loaded"
	else
		echo "not ok $tests - ${case#? }: not loaded: $said"
		failures=$((failures + 1))
	fi
done
# With less, and as the module's absence is told: by name.
fallback() {
	local description=$1 want=$2 pattern=$3 said
	shift 3
	tests=$((tests + 1))
	said=$("$@" 2>&1)
	if [ $? = "$want" ] && [[ $said =~ $pattern ]]; then
		echo "ok $tests - $description"
	else
		echo "not ok $tests - $description: $said"
		failures=$((failures + 1))
	fi
}
fallback "run --fallback: the program runs, in locked memory" 0 'is not loaded.*VmFlags:.* lo' "$tool" run --fallback grep -m 1 'VmFlags:.* lo .*dd' /proc/self/smaps
"$tool" run --fallback sleep 1000 2>/dev/null &
sleeper=$!
for _ in {1..300}; do
	[ "$(cat /proc/$sleeper/comm)" = sleep ] && "$tool" status $sleeper 2>&1 | grep -q '[1-9][0-9]* KiB of locked' && break
	sleep 0.1
done
fallback "status: who makes do with less" 1 "$sleeper sleep +0 +[1-9]" "$tool" status
fallback "status PID: the same" 1 "$sleeper is not protected; it has 0 KiB of secret and [1-9][0-9]* KiB of locked memory" "$tool" status $sleeper
kill $sleeper
export SALLOC_FALLBACK=locked
fallback "run: nothing less, whatever the environment says" 2 'is not loaded' "$tool" run true
echo "1..$tests"
[ $failures = 0 ]
