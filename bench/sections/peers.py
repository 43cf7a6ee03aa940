# SPDX-License-Identifier: GPL-2.0-only
"""Other ways for a program to keep a key, at the same work."""

import outside
import report

TITLE = "Other ways to keep a key"
NAMES = {"malloc": "malloc()", "memfd_secret": "memfd_secret()", "sodium": "sodium_malloc(), opened for each use",
         "shield": "shielded as by OpenSSH", "salloc": "salloc()"}
PACES = [("1000", 0, "1000 uses/s"), ("10000", 0, "10000 uses/s"), ("closed", 0, "no pause"), ("closed", 100, "no pause, competitor at 100 Hz")]
# A way in says `refused` or `ciphertext` when it has not found the secret: where it looks at a file, more is not known.
FILES = "core:kernel", "swapped_out"
# What demo/run, which knows how shielding works, takes from an ssh-agent that shields, or it fails.
UNDONE = "proc_mem_read", "core:kernel", "ram"
WAYS = {"proc_mem_read": "root reads /proc/PID/mem", "core:kernel": "core file", "swapped_out": "swap", "ram": "RAM, asleep"}


def measure(ctx):
    ms = "100" if ctx.quick else "500"
    first = ctx.kernels[0]
    calls = [lambda kernel=kernel: [{"kernel": kernel, **record} for record in ctx.guest(kernel, ["bench/guest/peers.sh", ms, *NAMES],
                                                                                        cmdline="secretmem.enable=1")]
             for kernel in ctx.kernels]
    calls.append(lambda: [{"kernel": first, **record} for record in outside.with_disk(ctx, first, ["bench/guest/peers_attacks.sh", *NAMES])])
    calls.append(lambda: in_ram(ctx, first))
    return [record for records in ctx.together(calls) for record in records]


def in_ram(ctx, kernel):
    samples = outside.ram_exposure(ctx, kernel, 9 if ctx.quick else 30, "--ways", "build/bench/ways", "--memories", ",".join(NAMES), "--states", "sleep")
    return [{"kernel": kernel, "method": one["memory"], "way": "ram", "result": f"{one['exposed']} of {one['samples']}"} for one in samples]


def use(record):
    """Instructions for one use; None where it could not keep up with its pace."""
    if record["pace"] == "closed":
        return record["ns"] / record["count"]
    return record["busy_ns"] / record["count"] if record["ns"] * int(record["pace"]) < 1.05e9 * record["count"] else None


def cost(records):
    rows = []
    kernels = sorted({record["kernel"] for record in records}, key=lambda name: [int(part) for part in name.split("-")[0].split(".")])
    for pace, competitor, label in PACES:
        for method, name in NAMES.items():
            row = [f"{name}; {label}"]
            for kernel in kernels:
                found = {record["method"]: record for record in records
                         if (record["kernel"], record.get("pace"), record.get("competitor")) == (kernel, pace, competitor)}
                here, base = (use(found[one]) if one in found else None for one in (method, "malloc"))
                rate = found[method]["switches"] / found[method]["ns"] * 1e9 if method in found else 0
                row += [f"{here:.0f}", f"{base / here:.3f}", f"{rate:.0f}"] if here and base else ["", "cannot keep up", ""]
            rows.append(row)
    return report.table(["key kept by; used"] + [f"{kernel}: {what}" for kernel in kernels for what in ("instructions", "ratio", "switches/s")], rows)


def outcome(method, way, results):
    result = results.get(way, "not tried")
    if way in FILES and result in ("refused", "ciphertext"):
        result = "not found"
    found = result == "leak" or way == "ram" and not result.startswith("0")
    if method == "shield" and way in UNDONE and not found:
        return f"{result} as it is; **undone by `make demo`**"
    return f"**{result}**" if found else result


def protection(records):
    rows = []
    for method, name in NAMES.items():
        results = {record["way"]: record["result"] for record in records if record["method"] == method and "way" in record}
        rows.append([name] + [outcome(method, way, results) for way in WAYS])
    return report.table(["key kept by", *WAYS.values()], rows)


def table(records):
    return f"{cost(records)}\n\n{protection(records)}"
