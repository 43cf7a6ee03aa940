#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A debugger sees who has called what runs on a protected stack, wherever that is.
. tests/unit/tap.sh

# shown WHERE: all of the frames, from the function that has stopped to where the thread began
shown() {
	local frames
	frames=$(gdb -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' -ex run -ex backtrace --args build/tests/unit/backtrace "$1" 2>&1 | grep '^#')
	grep -q innermost <<<"$frames" && grep -q salloc_call <<<"$frames" && grep -q outermost <<<"$frames" && grep -q ' thread (' <<<"$frames" &&
		grep -q start_thread <<<"$frames" && return
	echo "$frames"
	return 1
}

for where in above below; do
	if [ -e /dev/cryptmem ]; then
		skip "a stack $where its caller's" "the module is here: what a debugger reads there is ciphertext"
	else
		ok "a stack $where its caller's" shown $where
	fi
done
done_testing
