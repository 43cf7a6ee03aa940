#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# peers_attacks.sh METHOD...: ways in (tests/attacks/ways) on a victim that keeps its secret by METHOD (bench/guest/peers). A JSON object for each.
for method; do
	for way in proc_mem_read core:kernel swapped_out; do
		how=
		[ "$way" = "${way#*:}" ] || how=${way#*:}
		# shellcheck disable=SC2086
		line=$(timeout -k 5 120 "build/bench/ways/${way%%:*}" "$method" $how | tr '\t"' '||')
		printf '{"method": "%s", "way": "%s", "result": "%s"}\n' "$method" "$way" "${line%%|*}"
		rm -f /dev/shm/prey.*
	done
done
