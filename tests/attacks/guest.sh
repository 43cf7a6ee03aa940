# SPDX-License-Identifier: GPL-2.0-only
# For sourcing. guest LABEL OPTION... -- COMMAND...: tests/vm/run with these, its TAP with LABEL in front of the descriptions. A WARN in the
# log and a guest that died are not in the TAP: they become a failure here.
guest() {
	local label=$1 code
	shift
	tests/vm/run "$@" | sed -E "s/^((not )?ok[ 0-9]*-) /\1 $label: /"
	code=${PIPESTATUS[0]}
	[ "$code" -le 1 ] || echo "not ok - $label: the guest: status $code"
	return "$code"
}
