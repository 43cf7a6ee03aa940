# SPDX-License-Identifier: GPL-2.0-only
# Sourced by scripts for the guest: programs as they are, and the same under `cryptmem run`. Files are in /run/bench.
# $KEYS: a directory with the keys that bench/keys.py has made.
# shellcheck shell=sh
programs=build/bench/guest
run=/run/bench
mkdir -p $run
# A copy: Debian's is setgid, for which the dynamic loader ignores LD_PRELOAD.
[ -e $run/ssh-agent ] || cp "$(command -v ssh-agent)" $run/ssh-agent
chmod 755 $run/ssh-agent
# The same file is redis-server; the package of that name would start one on the machine it is installed on.
ln -sf /usr/bin/redis-check-rdb $run/redis-server

# start MEMORY LOG PROGRAM ARG...: in the background; under `cryptmem run` if MEMORY is salloc. $server is its process: `cryptmem run` becomes
# the program.
start() {
	memory=$1 log=$2
	shift 2
	[ "$memory" != salloc ] || set -- cryptmem run -- "$@"
	"$@" >"$log" 2>&1 </dev/null &
	server=$!
}

# await FILE: until the server has made it
await() {
	tries=0
	while [ ! -e "$1" ]; do
		tries=$((tries + 1))
		if [ $tries -eq 1000 ] || ! kill -0 "$server"; then
			echo "no $1: $(cat "$log")" >&2
			exit 2
		fi
		sleep 0.02
	done
}

stop() {
	kill -9 "$server"
	wait "$server" 2>/dev/null
	rm -f "$@"
}

# start_agent MEMORY KEY: at $run/agent, with the key in it
start_agent() {
	start "$1" $run/agent.log $run/ssh-agent -D -a $run/agent
	await $run/agent
	SSH_AUTH_SOCK=$run/agent ssh-add -q "$KEYS/$2" 2>>$run/agent.log || { cat $run/agent.log >&2; exit 2; }
}

# start_tls MEMORY KEY: at $run/tls. MEMORY may be `key`: that alone
start_tls() {
	alone=
	[ "$1" != key ] || alone=key
	start "$1" $run/tls.log $programs/tls_server $run/tls "$KEYS/$2.crt" "$KEYS/$2.key" $alone
	await $run/tls.ready
}

# start_redis MEMORY: at $run/redis; it keeps nothing on disk
start_redis() {
	start "$1" $run/redis.log $run/redis-server --port 0 --unixsocket $run/redis --save '' --appendonly no
	await $run/redis
}
