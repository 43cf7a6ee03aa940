# SPDX-License-Identifier: GPL-2.0-only
"""What processes pay that are not protected."""

import report

TITLE = "Processes that are not protected"
WAYS = ["absent", "loaded", "protected"]
TARGET = 1.005          # 1.00, as it is printed with two digits


def one(ctx, kernel, loaded):
    program, times = f"{ctx.programs}/others", "5000" if ctx.quick else "40000"
    # Once beforehand, so that nobody waits for the program to come from the host.
    script = '"$1" -n 100 >/dev/null && "$1" -n "$2" && ' + ('"$1" -p -n "$2"' if loaded else "true")
    records = ctx.guest(kernel, ["sh", "-c", script, "sh", program, times], module=loaded)
    for record in records:
        record.update(kernel=kernel, module=WAYS[loaded + record["protected"]])
    return records


def measure(ctx):
    calls = [lambda kernel=kernel, loaded=loaded: one(ctx, kernel, loaded) for kernel in ctx.kernels for loaded in (False, True)]
    return [record for records in ctx.together(calls) for record in records]


def verdict(how, ratio):
    if how.startswith("fork"):
        return ""       # it repeats to a few percent only
    return " met" if ratio < TARGET else " **not met**"


def table(records):
    rows = []
    for kernel in dict.fromkeys(record["kernel"] for record in records):
        for how in dict.fromkeys(record["how"] for record in records):
            absent, loaded, protected = (next(record["ns"] for record in records if (record["kernel"], record["how"], record["module"]) ==
                                              (kernel, how, way)) for way in WAYS)
            ratios = [f"{ns:.0f} ({ns / absent:.4f})" + verdict(how, ns / absent) for ns in (loaded, protected)]
            rows.append([f"{kernel}: {how}", f"{absent:.0f}", *ratios])
    return ("Instructions for each switch between two processes on a CPU, system calls included, and for a `fork()` with the child's exit, which repeats to "
            "a few percent only. In brackets the ratio to what they are without the module (target 1.00). The protected process sleeps meanwhile.\n\n" +
            report.table(["", "no module", "module loaded", "and a protected process elsewhere"], rows))
