#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# peers.sh MS METHOD...: the same work with the secret kept in each way, one boot. A JSON object for each.
ms=$1
shift
for method; do
	for rate in 1000 10000; do
		build/bench/guest/peers "$method" "$ms" $rate 0 || exit
	done
	for hz in 0 100; do
		build/bench/guest/peers "$method" "$ms" closed $hz || exit
	done
done
