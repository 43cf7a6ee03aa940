# SPDX-License-Identifier: GPL-2.0-only
# For sourcing. Jobs beside each other, as many as there are CPUs, whoever starts them: scripts that are started by one that has sourced
# this share its lanes, as make does with its jobs. They are a FIFO with a byte for each that is free.
#
#	lane_take, lane_give	waits for a lane, and gives it back
#	lane COMMAND...		starts it in a lane, when there is one
#	lane_beside COMMAND...	starts it at once: a script that takes lanes itself, and would wait for one for ever from within the last
#	lanes_end		waits for all that were started, and prints what they said, in the order in which they were started. Returns 1
#				if one failed

lanes=$(mktemp -d "${TMPDIR:-/tmp}/cryptmem-lanes.XXXXXX") || exit 2
trap 'rm -rf "$lanes"' EXIT
lanes_started=0
if [ -p "${CRYPTMEM_LANES-}" ]; then
	exec {lanes_free}<>"$CRYPTMEM_LANES"
else
	export CRYPTMEM_LANES=$lanes/free
	mkfifo "$CRYPTMEM_LANES" || exit 2
	exec {lanes_free}<>"$CRYPTMEM_LANES"
	printf "%$(nproc)s" >&"$lanes_free"
fi

lane_take() { read -r -N 1 -u "$lanes_free" _; }
lane_give() { printf ' ' >&"$lanes_free"; }

lane_beside() {
	(
		trap - EXIT
		"$@" >"$lanes/$lanes_started.out" 2>"$lanes/$lanes_started.err"
		echo $? >"$lanes/$lanes_started.status"
	) &
	lanes_started=$((lanes_started + 1))
}

lane_run() {
	local status start=$SECONDS said
	"$@"
	status=$?
	lane_give
	said="lane: $((SECONDS - start)) s: $*"
	echo "${said:0:132}" >&2
	return $status
}

lane() {
	lane_take
	lane_beside lane_run "$@"
}

lanes_end() {
	local i status=0
	wait
	for ((i = 0; i < lanes_started; i++)); do
		cat "$lanes/$i.out"
		cat "$lanes/$i.err" >&2
		[ "$(cat "$lanes/$i.status" 2>/dev/null)" = 0 ] || status=1
	done
	lanes_started=0
	return $status
}
