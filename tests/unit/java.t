#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bindings/java, with locked memory in place of the module's; and without any.
cd "$(dirname "$0")/../.." || exit 2
. tests/unit/tap.sh
[ -e /dev/cryptmem ] || export SALLOC_FALLBACK=locked

# As little of a virtual machine as will do; what it says when it is killed is of no use here.
virtual_machine() {
	java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx64m -XX:-CreateCoredumpOnCrash -XX:ErrorFile=/dev/null -Xcheck:jni \
		-Dorg.cryptmem.library="$PWD/build/lib/libsalloc-java.so" -cp build/java/salloc.jar:build/tests/unit/java Buffers "$@"
}
says() { [[ $(SALLOC_FALLBACK=$2 virtual_machine "$3" | tail -n 1) == "$1" ]]; }
crashes() { ! virtual_machine "$1" >"$scratch/said" 2>&1 && grep -q SIGSEGV "$scratch/said"; }
all() { virtual_machine >"$scratch/all" 2>&1 && grep -q '^1\.\.[1-9]' "$scratch/all" && ! grep -q '^WARNING in native' "$scratch/all"; }

ok "buffers" all
sed 's/^/# /' "$scratch/all"
ok "written to, as it may not be: SIGSEGV" crashes write
ok "read, as it may not be: SIGSEGV" crashes read
if [ -e /dev/cryptmem ]; then
	skip "without anything: ENOSYS" "the module is here"
	skip "what it says it makes do with" "the module is here"
	skip "what is closed is collected when there is no more" "the module is here"
else
	ok "without anything: ENOSYS" says ENOSYS '' none
	ok "what it says it makes do with" says '1 LOCKED' '' says
	# Root may lock as much as he likes, unless that is taken from him.
	bound=()
	[ "$(id -u)" != 0 ] || bound=(setpriv --bounding-set=-ipc_lock)
	ok "what is closed is collected when there is no more" \
		prlimit --memlock=1048576 "${bound[@]}" "$BASH" -c "$(declare -f virtual_machine says); says churned locked churn"
fi
done_testing
