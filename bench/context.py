# SPDX-License-Identifier: GPL-2.0-only
"""What a section measures with: guests."""

import concurrent.futures
import json
import os
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
OUT = f"{TOP}/build/bench"
PROGRAMS = f"{OUT}/guest"

# Under --icount each iteration of a `rep` string instruction counts as one: clearing a page is 4096 of them where the CPU has ERMS,
# and 512 where it has not. A real CPU takes far less time for either than for encrypting the page. (FSRM has to go with it: a 6.1 kernel
# that finds FSRM alone patches its memmove() wrongly, and dies while it boots.)
CPU = "max,-erms,-fsrm"


# In front of a script for the guest whose first argument is OUT: what each cipher costs by itself, a record for each ("what" is "bare").
BARE = """
insmod "$1/kernel/$(uname -r)/bare.ko" 2>/dev/null
dmesg | sed -n 's/^.*bare: {/{/p'
"""


class GuestFailed(Exception):
    pass


class Context:
    """kernels: their names; quick: whether to be done soon; out: where files go; programs: where bench/guest/*.c have been built."""

    out, programs, top, cpu = OUT, PROGRAMS, TOP, CPU

    def __init__(self, kernels, quick):
        self.kernels, self.quick = kernels, quick
        self.free = threading.Semaphore(os.cpu_count() or 1)
        self.started = time.monotonic()
        os.makedirs(OUT, exist_ok=True)

    def say(self, text):
        """Progress, for whoever waits."""
        print(f"bench: {int(time.monotonic() - self.started):5d} s: {text}", file=sys.stderr, flush=True)

    def guest(self, kernel, argv, icount=True, smp=1, mem=1024, module=True, module_args="", cmdline="", timeout=1800, fast=True,
              cpu=CPU, options=()):
        """Runs argv in a guest, and returns the JSON objects in its standard output, one a line. options: more of tests/vm/run's. As many
        guests run at a time as there are CPUs, whoever asks."""
        command = [f"{TOP}/tests/vm/run", "--kernel", kernel, "--smp", str(smp), "--mem", str(mem), "--timeout", str(timeout), "--cpu", cpu]
        command += ["--icount"] * icount + ["--no-module"] * (not module) + ["--fast"] * fast + [*options]
        if module_args:
            command += ["--module-args", module_args]
        if cmdline:
            command += ["--cmdline", cmdline]
        with self.free:
            start = time.monotonic()
            run = subprocess.run([*command, "--", *argv], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        if run.returncode:
            self.say(f"  {kernel}: failed")
            raise GuestFailed(f"{' '.join(argv)} on {kernel}: status {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-20000:]}")
        what = " ".join("..." if len(word) > 60 or "\n" in word else os.path.basename(word) for word in argv)[:80]
        self.say(f"  {kernel} {module_args or ('' if module else '(no module)')} {what}: {time.monotonic() - start:.0f} s")
        try:
            return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        except ValueError as error:
            raise GuestFailed(f"{what} on {kernel}: {error}\n{run.stdout[-5000:]}") from error

    def together(self, calls):
        """Calls functions without arguments beside each other; what they return, in their order. An exception of one is raised when all
        have ended."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(calls))) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]
