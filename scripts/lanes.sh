# SPDX-License-Identifier: GPL-2.0-only
# For sourcing. Guests beside each other, as many as there are CPUs, with what they say in the order in which they were started:
#
#	lane COMMAND...		starts it, when there is room
#	lanes_end		waits for all that were started, and prints their output. Returns 1 if one failed

lanes=$(mktemp -d "${TMPDIR:-/tmp}/cryptmem-lanes.XXXXXX") || exit 2
trap 'rm -rf "$lanes"' EXIT
lanes_started=0 lanes_running=0 lanes_width=$(nproc)

lane() {
	if [ $lanes_running -ge "$lanes_width" ]; then
		wait -n
		lanes_running=$((lanes_running - 1))
	fi
	(
		trap - EXIT
		"$@" >"$lanes/$lanes_started.out" 2>"$lanes/$lanes_started.err"
		echo $? >"$lanes/$lanes_started.status"
	) &
	lanes_started=$((lanes_started + 1)) lanes_running=$((lanes_running + 1))
}

lanes_end() {
	local i status=0
	wait
	for ((i = 0; i < lanes_started; i++)); do
		cat "$lanes/$i.out"
		cat "$lanes/$i.err" >&2
		[ "$(cat "$lanes/$i.status" 2>/dev/null)" = 0 ] || status=1
	done
	lanes_started=0 lanes_running=0
	return $status
}
