# SPDX-License-Identifier: GPL-2.0-only
"""How many instructions functions execute, counted one by one in a guest."""

import bisect
import collections
import re
import tempfile

LINE = re.compile(rb"^Trace.*\[[0-9a-f]+/([0-9a-f]+)/([0-9a-f]+)/")
# The instruction of the line before was not executed: an interrupt came first.
STOPPED = b"Stopped execution"
USER = 3            # of the flags, the processor's privilege level


def trace(ctx, kernel, words, directory):
    """The record of the program in a guest, whose symbols and trace are in the directory then."""
    script = f"cat /proc/kallsyms >{directory}/symbols; exec build/bench/guest/profile \"$@\""
    return ctx.guest(kernel, ["sh", "-c", script, "sh", *words], cmdline="nokaslr",
                     options=["--share", directory, "--trace", f"{directory}/trace"])[-1]


def symbols(path):
    with open(path) as lines:
        found = sorted((int(words[0], 16), words[2] + (" " + words[3] if len(words) > 3 else ""))
                       for words in map(str.split, lines) if words[1] in "tTwW")
    return [address for address, _ in found], [name for _, name in found]


def executed(path):
    """Addresses of the instructions that were, and whether in user mode, in their order."""
    last = None
    with open(path, "rb") as lines:
        for line in lines:
            if line.startswith(STOPPED):
                last = None
            elif match := LINE.search(line):
                if last:
                    yield last
                last = int(match[1], 16), int(match[2], 16) & USER == USER
    if last:
        yield last


def count(path, begin, end, addresses, names):
    """By function, from where the program is at begin to where it is at end: instructions, and calls."""
    counts, calls = collections.Counter(), collections.Counter()
    between = False
    for address, user in executed(path):
        if user:
            if address == end:
                break
            between |= address == begin
            counts["(the program)"] += between
        elif between:
            at = bisect.bisect_right(addresses, address) - 1
            counts[names[at]] += 1
            calls[names[at]] += addresses[at] == address
    return counts, calls


def profile(ctx, kernel, words):
    """What build/bench/guest/profile does when it is given these words, each time that it does so: its record, instructions by function (a module's
    with " [module]" behind), and calls."""
    with tempfile.TemporaryDirectory(prefix="cryptmem-profile.", dir="/dev/shm") as directory:
        record = trace(ctx, kernel, words, directory)
        counts, calls = count(f"{directory}/trace", record["begin"], record["end"], *symbols(f"{directory}/symbols"))
    times = record["times"]
    return record, {name: number / times for name, number in counts.items()}, {name: number / times for name, number in calls.items()}
