# SPDX-License-Identifier: GPL-2.0-only
"""The guest's kernel log: read its records, and find what must not be there."""

import re

BAD = re.compile(
    r"WARNING: |BUG: |BUG [\w-]+|\bOops\b|Kernel panic|kernel BUG at|general protection fault|"
    r"Unable to handle|unable to handle|double fault|stack guard page|"
    r"INFO: rcu|rcu: INFO|detected stalls|self-detected stall|blocked for more than|"
    r"possible (circular|recursive|irq lock inversion|deadlock)|suspicious RCU|inconsistent lock state|"
    r"INFO: possible|INFO: trying to register|[Bb]ad page|KASAN|KFENCE: [^i]|UBSAN|KCSAN: |"
    r"kmemleak: (\d+ new|Kernel memory leak detector disabled|Cannot (?!allocate a scan area))|pagealloc: (memory corruption|single bit)|refcount_t: |={20}|sleeping function called|scheduling while atomic|DEBUG_LOCKS_WARN_ON"
)

# The kernel hits a breakpoint, and is not changing its code there. As long as it does, breakpoints are where it writes, and its handler knows of
# them. But TCG first throws away what it has translated of a page, and then writes to it: a CPU that translates the old byte in between keeps that
# for good. (Seen with QEMU 10.0.2, three of three guests with four CPUs on two, within 80 s of toggling kernel.sched_schedstats, no module loaded.)
# Linux 6.12 dies of it; 6.1 hits it again and again, or, where there is a kprobe, jumps to nowhere (RIP: 0010:0x0). With CPUs that take turns
# (tests/vm/run --turns) nobody translates in between.
STALE = re.compile(r"\bint3: 0000 \[#1\]")


def stale(log):
    """Whether a kernel died of that, and of nothing before."""
    found = STALE.search(log)
    return bool(found) and not BAD.search(log[:log.rfind("\n", 0, found.start()) + 1])


MARK = re.compile(r"\bcryptmem-test: (.*)")


def mark(log):
    """Which test had begun last, by what tests/attacks/in-guest and ways/in-guest write into the log; or None."""
    found = MARK.findall(log)
    return found[-1] if found else None


# /proc/sys/kernel/tainted: what a report leaves behind even when its text has been overwritten
TAINTS = {4: "machine check", 5: "bad page", 7: "oops", 9: "warning", 14: "soft lockup"}

RECORD = re.compile(r"(\d+),\d+,(\d+),[^;]*;(.*)")


CUT = re.compile(r"-{12}\[ cut here \]")
END = re.compile(r"---\[ end trace ")
# Where the kernel cannot have memory for what it keeps about a module: its tracepoints' fields and files, jump labels, static calls.
PLACES = re.compile(r"WARNING: .* at (kernel/trace/trace_events\.c|kernel/jump_label\.c|kernel/static_call(_inline)?\.c|kernel/tracepoint\.c):")
LEAKS = re.compile(r"kmemleak: \d+ new")
RULE = re.compile(r"={20}")
ACCESS = re.compile(r"\] (read|write|race at unknown origin)")
NEAR = 4            # calls
# The clock that anybody may read anywhere: its writers and readers race by design, over two copies of which one is always whole, and readers
# look whether they have had the right one. KCSAN knows nothing of that in these kernels.
LATCH = re.compile(r"data-race in .*\bktime_get_mono_fast_ns\b")


def ours(report):
    """Whether the module has a part in a race: it is in the title, or one of those who called who accessed the memory. Further down it is only
    what the interrupt came in, or what the kernel does for it."""
    lines = [text for _, text in report]
    if LATCH.search(lines[1]):
        return False
    near = [line for at, head in enumerate(lines) if ACCESS.search(head) for line in lines[at + 1:at + 1 + NEAR]]
    return any("[cryptmem]" in line for line in lines[1:2] + near)


def without_races_elsewhere(lines):
    """KCSAN finds data races of the kernel's own, many of which it means to have: only those count that the module has a part in.
    A report stands between two rules."""
    kept, report = [], None
    for kernel, line in lines:
        if report is None:
            report = [(kernel, line)] if kernel and RULE.search(line) else None
            if report is None:
                kept.append((kernel, line))
            continue
        report.append((kernel, line))
        if kernel and RULE.search(line):
            if "BUG: KCSAN" not in report[1][1] or ours(report):
                kept += report
            report = None
    return kept + (report or [])


def without_warnings_elsewhere(lines):
    """Without the WARNs of PLACES that the module has no part in: no function of its is in the stack, as far as the kernel is sure of that. What
    has another complaint in it (another CPU's, say) stays."""
    kept, report = [], None
    for kernel, line in lines:
        if report is None and kernel and CUT.search(line):
            report = []
        if report is None:
            kept.append((kernel, line))
            continue
        report.append((kernel, line))
        if kernel and END.search(line):
            bad = [text for kernel, text in report if kernel and BAD.search(text)]
            if len(bad) != 1 or not PLACES.search(bad[0]) or any("[cryptmem]" in text and "?" not in text for _, text in report):
                kept += report
            report = None
    return kept + (report or [])


class Log:
    """Fed with records of /dev/kmsg."""

    def __init__(self, others_may_complain=False):
        self.lines = []     # (came from the kernel itself, text)
        self.taint = 0
        self.others_may_complain = others_may_complain

    def add(self, record):
        match = RECORD.match(record.split("\n", 1)[0])
        if match:
            priority, microseconds, text = int(match[1]), int(match[2]), match[3]
            self.lines.append((priority >> 3 == 0, f"[{microseconds / 1e6:12.6f}] {text}"))

    def text(self):
        return "".join(line + "\n" for _, line in self.lines)

    def complaints(self):
        """What the kernel said that it must not say; what user space wrote into the log does not count."""
        lines, taints = without_races_elsewhere(self.lines), TAINTS
        if self.others_may_complain:
            lines = [(kernel, line) for kernel, line in without_warnings_elsewhere(lines) if not LEAKS.search(line)]
            taints = {bit: name for bit, name in TAINTS.items() if name != "warning"}
        found = [line for kernel, line in lines if kernel and BAD.search(line)]
        return found + [f"tainted: {name}" for bit, name in taints.items() if self.taint >> bit & 1]
