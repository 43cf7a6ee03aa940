#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# exposure.sh KEYS MS: protected programs that do nothing, that sign a hundred times a second, and that sign without a pause. A JSON object for each,
# the module's clock in it.
KEYS=$1 ms=$2
. bench/guest/servers.sh

label() {
	LABELS=$(printf '"what": "%s"' "$1")
	export LABELS
}

for pace in idle 100 closed; do
	label "Ed25519 key in salloc()"
	$programs/signer "$ms" $pace || exit
done
for key in ed25519 rsa-3072; do
	start_agent salloc $key
	label "ssh-agent, $key"
	for pace in idle 100 closed; do
		$programs/agent_load $run/agent "$KEYS/$key.pub" "$server" "$ms" $pace 0 || exit
	done
	stop $run/agent
done
for memory in salloc key; do
	start_tls $memory rsa-2048
	label "TLS server, rsa-2048$([ "$memory" = salloc ] || echo ', the key alone')"
	for pace in idle 100 closed; do
		$programs/tls_load $run/tls "$server" "$ms" $pace 0 || exit
	done
	stop $run/tls $run/tls.ready
done
