#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# real.sh KEYS MS WHAT...: programs with their memory unprotected, then protected, both in this boot. Each for MS milliseconds, alone with its client and
# with a competitor. A JSON object for each. WHAT: agent:KEY, tls:KEY, key:KEY (the same server with the key alone in salloc()), gcm:KIND,
# redis:KEYS; and :WINDOW
KEYS=$1 ms=$2
shift 2
. bench/guest/servers.sh

label() {
	LABELS=$(printf '"what": "%s", "of": "%s", "memory": "%s", "window": %s' "$1" "$2" "$memory" "$window")
	export LABELS
}

agent() {
	start_agent "$memory" "$1"
	label ssh-agent "$1"
	for hz in 0 100; do
		$programs/agent_load $run/agent "$KEYS/$1.pub" "$server" "$ms" closed $hz || exit
	done
	stop $run/agent
}

tls() {
	start_tls "$memory" "$1"
	label "${2:-TLS}" "$1"
	for hz in 0 100; do
		$programs/tls_load $run/tls "$server" "$ms" closed $hz || exit
	done
	stop $run/tls $run/tls.ready
}

key() {
	[ "$memory" = malloc ] || memory=key
	tls "$1" "TLS, key alone"
}

gcm() {
	label "AES-GCM" "$1"
	for hz in 0 100; do
		$programs/gcm_records "$memory" "$ms" closed $hz || exit
	done
}

redis() {
	start_redis "$memory"
	for verb in SET GET; do
		label "redis $verb" "$1"
		for hz in 0 100; do
			$programs/redis_load $run/redis $verb "$1" "$server" "$ms" closed $hz || exit
		done
	done
	stop $run/redis
}

parameters=/sys/module/cryptmem/parameters
default=$(cat $parameters/window) times=$(cat $parameters/window_grow)
for what; do
	of=${what#*:}
	window=$default
	echo "$times" >$parameters/window_grow
	# One that is given is to be measured as it is.
	case $of in *:*) window=${of#*:} of=${of%:*}; echo 1 >$parameters/window_grow ;; esac
	echo "$window" >$parameters/window
	for memory in malloc salloc; do
		"${what%%:*}" "$of"
	done
done
