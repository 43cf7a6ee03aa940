# SPDX-License-Identifier: GPL-2.0-only
"""How many instructions functions execute, counted one by one in a guest."""

import bisect
import collections
import json
import re
import subprocess
import tempfile

from context import CPU, TOP

LINE = re.compile(rb"\[[0-9a-f]+/([0-9a-f]+)/([0-9a-f]+)/")
USER = 3            # of the flags, the processor's privilege level


def trace(kernel, words, directory):
    """The record of the program in a guest, its symbols, and the trace."""
    ran = subprocess.run([f"{TOP}/tests/vm/run", "--kernel", kernel, "--icount", "--fast", "--share", directory, "--trace", f"{directory}/trace",
                          "--cmdline", "nokaslr", "--cpu", CPU, "--", "sh", "-c",
                          f"cat /proc/kallsyms >{directory}/symbols; exec build/bench/guest/profile \"$@\"", "sh", *words],
                         cwd=TOP, stdout=subprocess.PIPE, text=True)
    ran.check_returncode()
    return json.loads(ran.stdout.strip().splitlines()[-1])


def symbols(path):
    with open(path) as lines:
        found = sorted((int(words[0], 16), words[2] + (" " + words[3] if len(words) > 3 else ""))
                       for words in map(str.split, lines) if words[1] in "tTwW")
    return [address for address, _ in found], [name for _, name in found]


def count(path, begin, end, addresses, names):
    """By function, from where the program is at begin to where it is at end: instructions, and calls."""
    counts, calls = collections.Counter(), collections.Counter()
    between = False
    with open(path, "rb") as lines:
        for match in map(LINE.search, lines):
            if not match:
                continue
            address = int(match[1], 16)
            if int(match[2], 16) & USER == USER:
                if address == end:
                    break
                between |= address == begin
                counts["(the program)"] += between
            elif between:
                at = bisect.bisect_right(addresses, address) - 1
                counts[names[at]] += 1
                calls[names[at]] += addresses[at] == address
    return counts, calls


def profile(kernel, words):
    """What build/bench/guest/profile does when it is given these words, each time that it does so: its record, instructions by function (a module's
    with " [module]" behind), and calls."""
    with tempfile.TemporaryDirectory(prefix="cryptmem-profile.", dir="/dev/shm") as directory:
        record = trace(kernel, words, directory)
        counts, calls = count(f"{directory}/trace", record["begin"], record["end"], *symbols(f"{directory}/symbols"))
    times = record["times"]
    return record, {name: number / times for name, number in counts.items()}, {name: number / times for name, number in calls.items()}
