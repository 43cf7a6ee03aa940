#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The manual pages: clean, and complete.
cd "$(dirname "$0")/../.." || exit 2
tests=0 failures=0
ok() {
	local description=$1
	shift
	tests=$((tests + 1))
	if "$@"; then echo "ok $tests - $description"; else echo "not ok $tests - $description"; failures=$((failures + 1)); fi
}
# has PAGE MACRO WORD...: has an item for each
has() {
	local page=$1 macro=$2 word status=0
	shift 2
	for word; do
		grep -qE "^\.It $macro $word( |\$)" "docs/$page" || { echo "# $page has no item $macro $word"; status=1; }
	done
	[ $# -gt 0 ] && return $status
}
# What other pages this machine has says nothing about ours.
clean() {
	local said
	said=$(mandoc -Tlint "$1" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db')
	[ -z "$said" ] || { echo "$said" | sed 's/^/# /'; return 1; }
}

for page in 4 7 8; do
	if command -v mandoc >/dev/null; then
		ok "cryptmem.$page: mandoc -Tlint says nothing" clean docs/cryptmem.$page
	else
		tests=$((tests + 1))
		echo "ok $tests - cryptmem.$page # SKIP no mandoc here"
	fi
done
ok "cryptmem.8 has every subcommand" has cryptmem.8 Cm status stats run check audit version help
# shellcheck disable=SC2046
{
ok "cryptmem.8 has every item of the audit" has cryptmem.8 Sy $(sed -n 's/^\t{ "\([a-z-]*\)", SEVERITY_.*/\1/p' tool/audit.c)
ok "cryptmem.4 has every parameter" has cryptmem.4 Cm $(sed -n 's/^module_param(\([a-z_]*\),.*/\1/p' kernel/*.c)
ok "cryptmem.4 has every ioctl and feature" has cryptmem.4 Dv $(grep -oE '\bCRYPTMEM_(IOC|FEAT|STATE)_[A-Z_]+\b' include/uapi/cryptmem.h | grep -v MAGIC | sort -u)
ok "cryptmem.4 has every counter" has cryptmem.4 Sy $(sed -n 's/^\t{ "\([a-z_]*\)", offsetof.*/\1/p' kernel/stats.c) parked refused
ok "cryptmem.4 has every tracepoint" has cryptmem.4 Sy $(grep -oE '\bcryptmem_(seal|unseal|fault|park)\b' kernel/trace.h | sort -u)
}
echo "1..$tests"
[ $failures = 0 ]
