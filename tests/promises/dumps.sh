# SPDX-License-Identifier: GPL-2.0-only
# dumps.sh: what the tests that search the RAM of a guest have in common. Sourced by them from the top of the tree, with $kernel.

host=build/tests/promises-host
tmp=$(mktemp -d "${TMPDIR:-/dev/shm}/cryptmem-dumps.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
n=0 status=0

# ok GOOD TEXT
ok() {
	n=$((n + 1))
	[ "$1" -eq 0 ] && echo "ok $n - $kernel: $2" || { echo "not ok $n - $kernel: $2"; status=1; }
}

# is NUMBER TEST... TEXT: a number that there is none of fails
is() {
	[ -n "$1" ] && test "$1" "${@:2:2}" 2>/dev/null
	ok $? "$4 (${1:-none})"
}

# rows DUMP: how many of a sleeper's there are
rows() { "$host/scan" "$1" 2>/dev/null; }

# most_rows DUMP...: in the one that has most. Of a victim that works there are three: something else may have run on its CPU just then. Nothing
# where one could not be searched.
most_rows() {
	local dump found most=-1

	for dump; do
		found=$(rows "$dump") || return
		[ "$found" -le "$most" ] || most=$found
	done
	echo "$most"
}

# keys DUMP...: see keyscan. The number for the last of them
keys() { "$host/keyscan" "$@" 2>/dev/null | sed 's/.* //'; }

finish() {
	echo "1..$n"
	exit $status
}
