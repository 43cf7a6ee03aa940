#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# exposure_ram.sh KEYS MEMORY SAMPLES PACE...: has all of the guest's memory dumped at SAMPLES moments at each pace of a TLS server whose key is in
# MEMORY. Its client is on the other CPU.
KEYS=$1 memory=$2 samples=$3
shift 3
. bench/guest/servers.sh

start_tls "$memory" rsa-2048
for pace; do
	$programs/tls_load $run/tls "$server" 10000000 "$pace" 0 >/dev/null &
	load=$!
	sleep 2
	echo "state $pace"
	for ((i = 0; i < samples; i++)); do
		echo @dump-ram
		read -r _ || exit 2
	done
	kill $load 2>/dev/null || { echo "the client has gone" >&2; exit 2; }
	wait $load 2>/dev/null
done
stop $run/tls $run/tls.ready
exit 0
