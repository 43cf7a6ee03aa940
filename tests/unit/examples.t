#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The examples run, and do what they say; without the module, with locked memory.
cd "$(dirname "$0")/../.." || exit 2
. tests/unit/tap.sh
[ -e /dev/cryptmem ] || export SALLOC_FALLBACK=locked
export SALLOC_LIBRARY=$PWD/build/lib/libsalloc.so.0 PYTHONPATH=$PWD/bindings/python PYTHONDONTWRITEBYTECODE=1

# says WANTED INPUT COMMAND...: the last line of what it prints
says() {
	local wanted=$1 input=$2 said
	shift 2
	said=$(printf "$input" | "$@" 2>"$scratch/err" | tail -n 1)
	[[ $said =~ ^$wanted$ ]] || { echo "$said"; cat "$scratch/err"; return 1; }
}

printf '%32s' key >"$scratch/key"
ok "tag" says '[0-9a-f]{64}' '' build/examples/tag "$scratch/key" README.md
tag=$(build/examples/tag "$scratch/key" README.md)
ok "tag.py: the same" says "$tag" '' /usr/bin/python3 examples/tag.py "$scratch/key" README.md
ok "tag: no key" says '' '' build/examples/tag /dev/null README.md
ok "login" says 'the same' 'abc\nabc\n' build/examples/login
ok "login: another" says 'not the same' 'abc\nabd\n' build/examples/login
ok "token" says '[0-9a-f]{32}' '' build/examples/token
ok "adopt" says 'what everybody may know' '' build/examples/adopt
ok "pin" says '(right|wrong)' '1234\n' build/examples/pin
ok "which" says '(the kernel|mlock).*' '' build/examples/which
ok "vault" says 'a and c have the same' 'a x\nb yy\nc x\n' build/examples/vault
# With a drop-in, and a way back without one.
sealed() {
	printf message | env LD_PRELOAD="$LIBDIR/libsalloc-sodium.so" build/examples/seal "$scratch/key" >"$scratch/sealed" || return 1
	# It is the drop-in's memory, or none.
	[ -e /dev/cryptmem ] || ! printf message | env SALLOC_FALLBACK=none LD_PRELOAD="$LIBDIR/libsalloc-sodium.so" build/examples/seal "$scratch/key" || return 1
	# The nonce and the tag come before it.
	[ "$(wc -c <"$scratch/sealed")" = $((24 + 16 + 7)) ] && ! grep -q message "$scratch/sealed"
}
# The dynamic linker goes on without.
preload_failed() {
	grep "cannot be preloaded" "$scratch/said"
}
passed() {
	local gpg="$1 --batch --homedir $scratch/gpg --pinentry-mode loopback --passphrase-file $scratch/key"
	mkdir -p -m 700 "$scratch/gpg"
	printf message | $gpg -c 2>"$scratch/said" >"$scratch/enciphered" && ! preload_failed && [ "$($2 --batch --homedir "$scratch/gpg" --pinentry-mode loopback \
		--passphrase-file "$scratch/key" -d "$scratch/enciphered" 2>"$scratch/said")" = message ] && ! preload_failed
	local code=$?
	gpgconf --homedir "$scratch/gpg" --kill all
	return $code
}
served() {
	local server i code=1 port=$((20000 + RANDOM % 10000))
	openssl req -x509 -newkey ed25519 -nodes -keyout "$scratch/pem" -out "$scratch/crt" -subj /CN=test 2>/dev/null || return 1
	examples/openssl.sh "$scratch/pem" "$scratch/crt" $port </dev/null 2>"$scratch/said" &
	server=$!
	for ((i = 0; i < 50 && code; i++)); do
		sleep 0.1
		printf 'GET / HTTP/1.0\r\n\r\n' | timeout 10 openssl s_client -quiet -connect localhost:$port 2>/dev/null | head -c 65536 | grep -q "s_server -key"
		code=$?
	done
	kill $server
	wait $server
	[ $code = 0 ] && ! preload_failed
}
export LIBDIR=$PWD/build/lib
ok "seal, with libsalloc-sodium.so" sealed
ok "gpg.sh" passed examples/gpg.sh gpg
ok "gpg.sh, the way back" passed gpg examples/gpg.sh
ok "openssl.sh" served
java="java -XX:+UseSerialGC -Xmx32m -Dorg.cryptmem.library=$PWD/build/lib/libsalloc-java.so -cp build/java/salloc.jar:build/examples Same"
cp "$scratch/key" "$scratch/other"
# shellcheck disable=SC2086
ok "Same.java" says 'the same' '' $java "$scratch/key" "$scratch/other"
echo >>"$scratch/other"
# shellcheck disable=SC2086
ok "Same.java: another" says 'not the same' '' $java "$scratch/key" "$scratch/other"
done_testing
