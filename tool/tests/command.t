#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The whole command on machines of all kinds, faked: see fake.c. Needs nothing of the real one.
cd "$(dirname "$0")/../.." || exit 2
tool=${TOOL:-build/tests/tool/cryptmem}
tests=0 failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# is DESCRIPTION STATUS PATTERN [VAR=VALUE...] ARG...: exits so, and prints (stdout and stderr) what matches the extended
# regular expression, all in one line
is() {
	local description=$1 want=$2 pattern=$3 status environment=()
	shift 3
	while [[ ${1:-} == [A-Z_]*=* ]]; do environment+=("$1"); shift; done
	tests=$((tests + 1))
	env "${environment[@]}" "$tool" "$@" >"$scratch/out" 2>&1
	status=$?
	if [ $status = "$want" ] && [[ $(tr '\n' '|' <"$scratch/out") =~ $pattern ]]; then
		echo "ok $tests - $description"
	else
		echo "not ok $tests - $description (status $status, wanted $want and '$pattern')"
		sed 's/^/# /' "$scratch/out"
		failures=$((failures + 1))
	fi
}

# json DESCRIPTION STATUS PYTHON-EXPRESSION-ON-x [VAR=VALUE...] ARG...
json() {
	local description=$1 want=$2 expression=$3 status environment=()
	shift 3
	while [[ ${1:-} == [A-Z_]*=* ]]; do environment+=("$1"); shift; done
	tests=$((tests + 1))
	env "${environment[@]}" "$tool" "$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	if [ $status = "$want" ] && python3 -c 'import json, sys
x = json.load(open(sys.argv[1]))
assert eval(sys.argv[2])' "$scratch/out" "$expression" 2>>"$scratch/err"; then
		echo "ok $tests - $description"
	else
		echo "not ok $tests - $description (status $status, wanted $want and $expression)"
		sed 's/^/# /' "$scratch/out" "$scratch/err"
		failures=$((failures + 1))
	fi
}

mkdir "$scratch/good" "$scratch/bad" "$scratch/empty"
header="pid comm state regions mapped_pages used_pages window_pages window seals clean_seals unseals switch_seals switch_ns switch_ns_max tampered faults evictions locks parked refused"
numbers="16384 14 5 32 299 1 285 37 190 27 11 25 0 44 22 33"
cat >"$scratch/good/domains" <<END
$header
10 good active 1 $numbers
11 watched traced 2 $numbers
12 altered locked 1 $numbers
13 broken broken 1 $numbers
14 nothing empty 0 $numbers
15 two\040words active 1 $numbers
END
cat >"$scratch/good/totals" <<END
domains 2
regions 3
used_pages 14
window_pages 5
seals 10
clean_seals 30
unseals 25
switch_seals 4
switch_ns 10000
switch_ns_max 5000
tampered 1
faults 99
evictions 7
locks 3
parked 2
refused 18446744073709551615
END
echo "$header" >"$scratch/empty/domains"
mkdir "$scratch/old"
for file in totals domains; do sed 's/ locks / /; /^locks /d; s/ 44 22 / 22 /' "$scratch/good/$file" >"$scratch/old/$file"; done
echo "rubbish" | tee "$scratch/bad/domains" >"$scratch/bad/totals"
# process PID NAME SMAPS: of a machine without the module
process() {
	mkdir -p "$scratch/machine/proc/$1"
	printf "$2\n" >"$scratch/machine/proc/$1/comm"
	printf "$3" >"$scratch/machine/proc/$1/smaps"
}
mapping() { printf '7f00-7f01 %s 00000000 00:0d %s    %s\\nSize: 999 kB\\nRss: %s kB\\nVmFlags: %s \\n' "$@"; }
process 21 both "$(mapping rw-s 7 '/secretmem (deleted)' 64 'rd sh dd')$(mapping rw-p 0 '' 8 'rd lo dd')"
process 22 none "$(mapping rw-p 0 '[heap]' 64 'rd wr')"
process 23 'new\033line' "$(mapping rw-p 0 '' 12 'rd lo dd')"
process 24 malformed "rubbish\n"
mkdir "$scratch/machine/proc/sys"
up="FAKE_DEVICE=plain FAKE_LOADED=1 FAKE_FEATURES=0x7f FAKE_NUMBERS=$scratch/good"
down="FAKE_DEVICE=absent"
unloaded='^cryptmem: error: the kernel module cryptmem is not loaded\|cryptmem: hint: as root: modprobe cryptmem\|$'

# shellcheck disable=SC2086
{
is "bare: status" 0 '^module    loaded, interface version 1\|cipher    x{23}\|window    32 pages of 4096 bytes \(8 to 65536\)\|' $up
is "status: who is protected" 0 'PID NAME .*TAMPERED\| +10 good +active +1 +14/16384 +32 +22 +33 +11\| +11 watched +traced +2 ' $up status
is "status: what protects nothing is not shown" 0 '13 broken +broken[^|]*\| +15 two words' $up status
is "status: says when tampering is not detected" 0 'does not detect tampering.*features  strict guard\|' $up FAKE_FEATURES=6
is "status: nobody" 0 'no process is protected\|$' $up FAKE_NUMBERS="$scratch/empty"
is "status: not loaded" 1 "${unloaded%$}fallback  locked\||\|no process that may be looked at has secret or locked memory\|$" $down status
is "status: not loaded, and who makes do with less" 1 "fallback  secret locked\|\| +PID NAME +SECRET +LOCKED +\(KiB\)\|( +21 both +64 +8\|| +23 new.line +0 +12\|){2}\$" $down FAKE_SECRET=1 FAKE_ROOT="$scratch/machine" status
is "status PID: not loaded, and it makes do with less" 1 "${unloaded%$}21 is not protected; it has 64 KiB of secret and 8 KiB of locked memory\|22 is not protected\|$" $down FAKE_ROOT="$scratch/machine" status 21 22
is "status PID: it makes do with less" 1 "^23 is not protected; it has 0 KiB of secret and 12 KiB of locked memory\|.*10 good" $up FAKE_ROOT="$scratch/machine" status 23 10
is "status: loaded, no device" 2 'error: cannot open /dev/cryptmem: No such file.*hint: ' $down FAKE_LOADED=1 status
is "status: may not open" 2 'error: cannot open /dev/cryptmem: Permission denied\|cryptmem: hint: ' FAKE_DEVICE=eacces status
is "status: another interface" 2 'error: the module speaks interface version 7, this command version 1\|cryptmem: hint' $up FAKE_ABI=7 status
is "status: some other device" 2 'does not answer: Inappropriate ioctl' $up FAKE_ABI=0 status
is "status: not root" 0 '^module .*processes not shown: only root' $up FAKE_NUMBERS=eacces status
is "status: no debugfs" 0 'processes not shown: debugfs is not mounted \(as root: mount -t debugfs debugfs /sys/kernel/debug\)' $up FAKE_NUMBERS= status
is "status PID: protected" 0 '^\| +PID.* 10 good [^|]*\|$' $up status 10
is "status PID: watched is protected" 0 ' 11 watched +traced' $up status 11
is "status PID: locked" 1 ' 12 altered +locked' $up status 12
is "status PID: broken" 1 ' 13 broken' $up status 13
is "status PID: without a region" 1 ' 14 nothing +empty +0' $up status 14
is "status PID: unknown" 1 '^99 is not protected\|$' $up status 99
is "status PID: one of several is not" 1 '^99 is not protected\|.*10 good' $up status 10 99
is "status PID: several" 0 '10 good.*11 watched' $up status 10 11
is "status PID: not root" 2 'error: cannot tell about processes: only root.*hint: run it as root' $up FAKE_NUMBERS=eacces status 10
is "status PID: no debugfs" 2 'error: .*debugfs is not mounted.*hint: as root: mount -t debugfs' $up FAKE_NUMBERS= status 10
is "status PID: malformed list" 2 'error: .*malformed' $up FAKE_NUMBERS="$scratch/bad" status 10
is "status PID: not loaded" 1 "${unloaded%$}10 is not protected\|$" $down status 10
for pid in 0 -1 x 1x 99999999999 4294967297 ''; do
	is "status PID: '$pid' is none" 2 'error: n.*hint: see: cryptmem help status' $up status "$pid"
done
json "status --json" 0 'x["loaded"] and x["abi"] == 1 and x["max_pages"] == 1000000 and "fork" in x["features"] and "policy" in x["features"] and [p["pid"] for p in x["processes"]] == [10, 11, 12, 13, 15] and x["processes"][0]["refused"] == 33 and x["processes"][0]["locks"] == 44 and [p["protected"] for p in x["processes"]] == [True, True, False, False, True] and x["processes"][4]["name"] == "two words"' $up status --json
json "--json alone" 0 'x["loaded"]' $up --json
json "status --json PID" 1 '[p["pid"] for p in x["processes"]] == [12]' $up status 12 --json
json "status --json: not loaded" 1 'x == {"loaded": False, "fallback": ["locked"], "processes": []}' $down status --json
json "status --json: not loaded, and who makes do with less" 1 'x["fallback"] == ["secret", "locked"] and sorted([p["pid"], p["name"], p["secret_bytes"], p["locked_bytes"]] for p in x["processes"]) == [[21, "both", 65536, 8192], [23, "new?line", 0, 12288]]' $down FAKE_SECRET=1 FAKE_ROOT="$scratch/machine" status --json
json "status --json: not root" 0 'x["processes"] is None' $up FAKE_NUMBERS=eacces status --json
json "status --json PID: not root" 2 'x["processes"] is None' $up FAKE_NUMBERS=eacces status --json 10

is "stats" 0 'evictions +7\|locks +3\|parked +2\|refused +18446744073709551615\|clean share +75.0 %\|switch seal +2.5 us mean, 5.0 us worst\|$' $up stats
json "stats --json" 0 'x["clean_share"] == 0.75 and x["switch_ns_mean"] == 2500 and x["switch_ns_max"] == 5000 and x["refused"] == 2**64 - 1' $up stats --json
is "stats: not loaded" 1 "$unloaded" $down stats
is "stats: not root" 2 'error: cannot read the totals: only root.*hint' $up FAKE_NUMBERS=eacces stats
is "stats: no debugfs" 2 'hint: as root: mount -t debugfs' $up FAKE_NUMBERS= stats
is "stats: malformed" 2 'error: the module.s totals are malformed' $up FAKE_NUMBERS="$scratch/bad" stats
is "stats: of an older module" 2 'error: the module.s totals are malformed.*hint: ' $up FAKE_NUMBERS="$scratch/old" stats
is "status PID: of an older module" 2 'error: .*malformed' $up FAKE_NUMBERS="$scratch/old" status 10

is "check: memory that protects nothing" 1 'ok +ordinary memory, read through.*FAIL +protected memory, read through /proc/PID/mem +SEEN\|ok +ord.*FAIL +protected memory, read by process_vm_readv\(\) +SEEN\|FAIL +the same while.*SEEN\|FAIL +protected memory, written [^|]*WRITTEN\|FAIL [^|]*CHANGED\|NOT protected\|$' $up check
json "check --json: the same" 1 'not x["protected"] and [c["name"] for c in x["checks"] if not c["ok"]] == ["mem", "vm_readv", "mem_running", "mem_write", "contents"] and len(x["checks"]) == 7' $up check --json
is "check: not loaded" 1 "$unloaded" $down check
json "check --json: not loaded" 1 'not x["protected"] and x["checks"] == []' $down check --json
is "check: no memory to be had" 2 'error: cannot set up a protected process: ' $up FAKE_DEVICE=quota check
is "check: may not open" 2 'error: cannot open' FAKE_DEVICE=eacces check

mkdir "$scratch/bin" "$scratch/lib" "$scratch/a b" "$scratch/a b/bin" "$scratch/a b/lib"
cp "$tool" "$scratch/bin/cryptmem"
cp "$tool" "$scratch/a b/bin/cryptmem"
# A library that does nothing, so that the loader does not complain.
echo 'int tool_test;' | cc -shared -x c -o "$scratch/lib/libsalloc-preload.so" -
cp "$scratch/lib/libsalloc-preload.so" "$scratch/lib/other.so"
cp "$scratch/lib/libsalloc-preload.so" "$scratch/a b/lib/"
printf '#!/bin/sh\necho "script: $LD_PRELOAD"\nexit 5\n' >"$scratch/script"
echo 'int main(void) { return 0; }' | cc -static -x c -o "$scratch/static" -
cp /bin/true "$scratch/setgid"
chmod 755 "$scratch/script"

is "run: without the library" 2 'error: cannot find libsalloc-preload.so.*hint: it should be in ' $up run true
plain=$tool tool=$scratch/bin/cryptmem
is "run: the library of the same tree" 0 "^$scratch/lib/libsalloc-preload.so\|\$" $up run sh -c 'echo $LD_PRELOAD'
is "run: what was preloaded before stays" 0 "^$scratch/lib/libsalloc-preload.so:$scratch/lib/other.so\|\$" $up LD_PRELOAD="$scratch/lib/other.so" ASAN_OPTIONS=verify_asan_link_order=0 run sh -c 'echo $LD_PRELOAD'
is "run: the command's status" 7 '^$' $up run sh -c 'exit 7'
is "run: the command's options" 0 '^--json -x --help\|$' $up run echo --json -x --help
is "run: --" 0 '^hello\|$' $up run -- echo hello
is "run: a script" 5 '^script: .*libsalloc-preload.so\|$' $up run "$scratch/script"
is "run: no such command" 2 'error: cannot run nonesuch: No such file' $up run nonesuch
is "run: statically linked" 2 "error: $scratch/static is statically linked.*hint: " $up run "$scratch/static"
is "run: not loaded" 2 "$unloaded" $down run true
is "run: nothing less will do" 0 '^kernel locked\|$' $up SALLOC_REQUIRE=locked SALLOC_FALLBACK=locked run sh -c 'echo $SALLOC_REQUIRE $SALLOC_FALLBACK'
is "run --fallback: not loaded" 0 '^cryptmem: hint: the kernel module cryptmem is not loaded: memory is locked, and not sealed\|locked\|$' $down run --fallback sh -c 'echo $SALLOC_REQUIRE $SALLOC_FALLBACK'
is "run --fallback: not loaded, but required" 2 'error: SALLOC_REQUIRE=kernel, and .* not loaded' $down SALLOC_REQUIRE=kernel run --fallback true
is "run --fallback: not loaded, and locked memory is enough" 0 'locked locked\|$' $down SALLOC_REQUIRE=locked run --fallback sh -c 'echo $SALLOC_REQUIRE $SALLOC_FALLBACK'
is "run --fallback: loaded" 0 '^kernel\|$' $up run --fallback sh -c 'echo $SALLOC_REQUIRE $SALLOC_FALLBACK'
is "run --fallback: may not open" 2 'error: cannot open /dev/cryptmem' FAKE_DEVICE=eacces FAKE_LOADED=1 run --fallback true
is "run --fallback --guard: not loaded" 2 'error: --guard needs the module' $down run --fallback --guard=hide true
is "run --guard --fallback" 0 '^hide kernel\|$' $up run --guard=hide --fallback -- sh -c 'echo $SALLOC_GUARD $SALLOC_REQUIRE'
is "run: may not open" 2 'error: cannot open /dev/cryptmem.*hint' FAKE_DEVICE=eacces run true
is "run: no memory to be had" 2 'error: cannot get a page of protected memory' $up FAKE_DEVICE=quota run true
is "run: nothing" 2 'error: which command.*hint: see: cryptmem help run' $up run
is "run: only --" 2 'error: which command' $up run --
is "run: SALLOC_GUARD is left as it is" 0 '^hide\|$' $up SALLOC_GUARD=hide run sh -c 'echo $SALLOC_GUARD'
is "run --guard" 0 '^refuse,hide -x\|$' $up run --guard=refuse,hide sh -c 'echo $SALLOC_GUARD $1' x -x
is "run --guard, then --" 0 '^hide\|$' $up SALLOC_GUARD=park run --guard=hide -- sh -c 'echo $SALLOC_GUARD'
for list in park hide,park hide,hide refuse; do
	is "run --guard=$list" 0 "^$list\|\$" $up run --guard=$list sh -c 'echo $SALLOC_GUARD'
done
for list in '' hid hides HIDE hide, ,hide 'hide refuse' park,refuse refuse,hide,park; do
	is "run --guard=$list: refused" 2 "error: park or refuse, and hide, .*not: $list\|cryptmem: hint: see: cryptmem help run\|\$" $up run "--guard=$list" echo
done
is "run --guard: not in this module" 2 'error: this module can do nothing but park\|cryptmem: hint: ' $up FAKE_FEATURES=0x3f run --guard=park echo
is "run --guard: nothing" 2 'error: which command' $up run --guard=hide
is "run --guard, without a list" 2 'error: no such option: --guard\|' $up run --guard hide true
is "run: an option" 2 'error: no such option: --json' $up run --json true
if [ "$(id -u)" = 0 ]; then
	chgrp 1 "$scratch/setgid"
	chmod 2755 "$scratch/setgid"
	is "run: setgid" 2 "error: $scratch/setgid is setgid.*hint: .*run a copy of it" $up run "$scratch/setgid"
	chown 1 "$scratch/setgid"
	chmod 4755 "$scratch/setgid"
	is "run: setuid" 2 "error: $scratch/setgid is setuid.*hint: .*run a copy of it" $up run "$scratch/setgid"
fi
tool="$scratch/a b/bin/cryptmem"
is "run: a path that the loader would split" 2 'error: the loader takes no path with a blank' $up run true
tool=$plain

is "version" 0 '^cryptmem [0-9.]+, interface version 1\|module not loaded\|$' version
is "version: of the module" 0 'module 9.9\|$' $up --version
json "version --json" 0 'x["module"] is None and x["abi"] == 1' version --json
is "help" 0 '^usage: cryptmem .*status.*stats.*run.*check.*audit.*version.*help.*exit status: 0 fine, 1 ' help
is "--help" 0 '^usage: cryptmem ' --help
for subcommand in status stats run check audit version help; do
	is "help $subcommand" 0 "^usage: cryptmem $subcommand " help $subcommand
	is "$subcommand --help" 0 "^usage: cryptmem $subcommand " $subcommand --help
done
is "help: no such" 2 'error: no such subcommand: x' help x
is "no such subcommand" 2 '^cryptmem: error: no such subcommand: x\|cryptmem: hint: see: cryptmem help\|$' x
is "no such option" 2 'error: no such option: --x' --x
is "stats: no such option" 2 'error: no such option: --x\|cryptmem: hint: see: cryptmem help stats' $up stats --x
for subcommand in stats check audit version; do
	is "$subcommand: too many arguments" 2 'error: too many arguments' $up $subcommand 1
done
}

tests=$((tests + 1))
if [ "$("$tool" help | wc -l)" -le 24 ] && [ "$("$tool" help | wc -L)" -le 80 ]; then
	echo "ok $tests - help fits a screen"
else
	echo "not ok $tests - help fits a screen"
	failures=$((failures + 1))
fi
tests=$((tests + 1))
if env $up "$tool" status >/dev/full 2>"$scratch/err"; [ $? = 2 ] && grep -q 'error: cannot write the output' "$scratch/err"; then
	echo "ok $tests - output that cannot be written"
else
	echo "not ok $tests - output that cannot be written"
	failures=$((failures + 1))
fi
echo "1..$tests"
[ $failures = 0 ]
