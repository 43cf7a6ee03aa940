# SPDX-License-Identifier: GPL-2.0-only
"""Guests that are looked at from outside: their memory, their disk."""

import json
import os
import shlex
import subprocess
import tempfile

from context import GuestFailed, TOP

DISK = 16 << 20         # bytes to swap on


def run(ctx, command, tries=3):
    """What a command of the project prints; one of the guests that may run at a time. An emulator that dies of its own bugs is started anew."""
    with ctx.free:
        for left in reversed(range(tries)):
            done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
            if done.returncode != 125 or "Assertion" not in done.stderr or not left:
                break
            ctx.say(f"the emulator died, once more: {done.stderr.strip().splitlines()[0]}")
    if done.returncode:
        raise GuestFailed(f"{shlex.join(command)}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-20000:]}")
    return done.stdout


def with_disk(ctx, kernel, argv):
    """JSON objects that a program prints in a guest with a disk and memfd_secret()."""
    with tempfile.NamedTemporaryFile(prefix="cryptmem-disk.") as disk:
        disk.truncate(DISK)
        text = run(ctx, ["tests/vm/run", "--kernel", kernel, "--smp", "2", "--mem", "1536", "--disk", disk.name, "--cmdline", "secretmem.enable=1",
                         "--timeout", "900", "--", *argv])
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def ram_exposure(ctx, kernel, samples, *options):
    """How many dumps of a guest's memory have the secret in them: tests/attacks/ram_exposure."""
    run(ctx, ["tests/attacks/ram_exposure", "--samples", str(samples), *options, kernel])
    with open(f"{TOP}/build/exposure.json") as file:
        return json.load(file)


def sampled(ctx, kernel, needles, argv, module_args="", delay=0.5):
    """Runs argv in a guest of two CPUs. It prints `state NAME`, and @dump-ram, after which one of the needles is looked for in all of the guest's
    memory, as it is at a random moment after that. {NAME: (dumps, how many had one)}."""
    found, state = {}, None
    with tempfile.TemporaryDirectory(prefix="cryptmem-dump.", dir="/dev/shm") as directory:
        with open(f"{directory}/needles", "w") as file:
            json.dump([needle.hex() for needle in needles], file)
        search = f"python3 {shlex.quote(os.path.realpath(__file__))} {directory}/needles"
        text = run(ctx, ["tests/vm/run", "--kernel", kernel, "--smp", "2", "--mem", "512", "--timeout", "1800", "--fast", "--dump-ram", f"{directory}/dump",
                         "--dump-delay", str(delay), "--dump-then", f'{search} "$1"; rm -f "$1"', "--module-args", module_args, "--", *argv])
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "state":
            state = rest
        elif word == "found":
            dumps, hits = found.get(state, (0, 0))
            found[state] = dumps + 1, hits + int(rest)
    return found


def search(needles, path):
    """Any of the needles in a file: 1."""
    import mmap
    with open(needles) as file:
        words = [bytes.fromhex(word) for word in json.load(file)]
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        return int(any(memory.find(word) >= 0 for word in words))


if __name__ == "__main__":
    import sys
    print("found", search(*sys.argv[1:]), flush=True)
