# SPDX-License-Identifier: LGPL-2.1-or-later
# tap.sh: TAP for the shell tests. They run from the top of the tree.

tests=0 failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# ok DESCRIPTION COMMAND ARG...: fine if the command succeeds. What it printed is shown if not.
ok() {
	local description=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$scratch/out" 2>&1; then
		echo "ok $tests - $description"
	else
		echo "not ok $tests - $description (status $?)"
		sed 's/^/# /' "$scratch/out"
		failures=$((failures + 1))
	fi
}

# skip DESCRIPTION REASON
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
	echo "1..$tests"
	[ "$failures" = 0 ]
}
