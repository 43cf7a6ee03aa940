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
echo "1..$tests"
[ $failures = 0 ]
