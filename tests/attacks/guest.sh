# SPDX-License-Identifier: GPL-2.0-only
# For sourcing. guest LABEL OPTION... -- COMMAND...: tests/vm/run with these, its TAP with LABEL in front of the descriptions. A WARN in the
# log and a guest that died are not in the TAP: they become a failure here.
guest() {
	local label=$1 code
	shift
	tests/vm/run --again "$@" | sed -E "s/^((not )?ok[ 0-9]*-) /\1 $label: /"
	code=${PIPESTATUS[0]}
	[ "$code" -le 1 ] || echo "not ok - $label: the guest: status $code"
	return "$code"
}

# promises SMP DIR CALL...: CALL... [OPTION] -- COMMAND... for the promises and the attacks that are built in DIR. With more CPUs than one, once
# more for those that have the kernel change its code again and again: there the CPUs take turns.
patching="p3_tracers p3_uprobes p3_handler busy_region event_size no_lock_held not_alone unload unload_in_use watch_storm"
promises() {
	local smp=$1 dir=$2 program run=tests/attacks/in-guest programs=() patchers=()
	shift 2
	for program in "$dir"/promises/[a-z]* "$dir"/attacks/[a-z]* "$dir"/fuzz/corpus; do
		case " $patching " in
		*" ${program##*/} "*) patchers+=("$program") ;;
		*) programs+=("$program") ;;
		esac
	done
	if [ "$smp" = 1 ]; then
		"$@" -- $run "${programs[@]}" "${patchers[@]}"
	else
		"$@" -- $run "${programs[@]}"
		"$@" --turns -- $run "${patchers[@]}"
	fi
}

# watched KERNEL DIR NAME: for a kernel of scripts/kernel-debug sets watched_options, for tests/vm/run, and watched_command, which is to stand in front
# of the command: its log goes to DIR/NAME.dmesg, and at the end it is asked what it has seen, with what was counted of the module's lines in
# DIR/NAME. For others both are empty.
watched() {
	watched_options=() watched_command=()
	case $1 in
	*-debug | *-kcsan)
		watched_options=(--share "$2" --dmesg "$2/$3.dmesg")
		watched_command=(tests/debug/in-guest "$2/$3")
		;;
	esac
}
