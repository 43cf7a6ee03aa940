# SPDX-License-Identifier: GPL-2.0-only
"""What things cost as there are more of them: processes, regions, threads, bytes. Beside them, the same on memory that is not protected."""

import report

TITLE = "Many processes, regions, threads, pages"

# What grows: how the table says it, the program and its words, how many of it, and how many when there is little time.
AXES = {
    "processes": ("other processes of the same kind sleep meanwhile", ["scale-processes", "KIND"], [1, 10, 100, 1000, 10000], [1, 100, 1000]),
    "children": ("children of the process that have all inherited its regions", ["scale-processes", "children"], [1, 10, 100, 1000, 3000], [1, 100, 1000]),
    "regions": ("regions of a page, all written, in one process", ["scale-regions", "KIND"], [1, 10, 100, 1000, 10000], [1, 100, 1000]),
    "threads": ("threads in one process", ["scale-threads", "KIND"], [1, 2, 4, 8, 16, 32, 64], [1, 8, 64]),
    "MiB": ("MiB of one region, 64 pages of which have been written", ["scale-bytes", "KIND", "size"], [1, 4, 16, 64, 256, 1024], [1, 64, 1024]),
    "pages written": ("pages of a region of 1 GiB that have been written", ["scale-bytes", "KIND", "pages"], [64, 512, 4096, 32768], [64, 4096]),
}
# A guest each: thousands of processes are best not mixed with anything else.
GUESTS = [(["processes"], ["protected"]), (["processes"], ["plain"]), (["children"], ["protected"]),
          (["regions", "threads"], ["protected", "plain"]), (["MiB", "pages written"], ["protected", "plain"])]
# More than ordinary memory's, and growing: by so much from the first column to the last, beside what ordinary memory's does.
GROWS = 2


def one(ctx, kernel, axes, kinds):
    script, words = "set -e", [ctx.programs]
    for axis in axes:
        _, command, many, few = AXES[axis]
        for kind in kinds:
            arguments = " ".join(kind if word == "KIND" else word for word in [*command, *map(str, few if ctx.quick else many)])
            script += f"; \"$1\"/{arguments}"
    records = ctx.guest(kernel, ["sh", "-c", script, "sh", *words], module_args="max_regions=1000000", mem=4096, timeout=5000)
    for record in records:
        record["kernel"] = kernel
    return records


def measure(ctx):
    calls = [lambda kernel=kernel, guest=guest: one(ctx, kernel, *guest) for guest in GUESTS
             for kernel in (ctx.kernels[:1] if ctx.quick else ctx.kernels)]
    return [record for records in ctx.together(calls) for record in records]


def curves(records, kernel, axis):
    """{op: {protected: [(n, ns), ...]}}"""
    found = {}
    for record in records:
        if (record["kernel"], record["axis"]) == (kernel, axis):
            found.setdefault(record["op"], {}).setdefault(record["protected"], []).append((record["n"], record["ns"]))
    return found


def growth(points):
    return points[-1][1] / max(points[0][1], 1) if points else 1


def one_table(found, head):
    rows = []
    for op, kinds in found.items():
        protected, plain = kinds.get(1, []), dict(kinds.get(0, []))
        cells = [f"{ns:,.0f}" + (f" ({plain[n]:,.0f})" if n in plain else "") for n, ns in protected]
        grown, expected = growth(protected), growth(kinds.get(0, []))
        text = f"{grown:.1f}" + (f" ({expected:.1f})" if plain else "")
        rows.append([op, *cells, f"**{text}**" if grown > GROWS * max(expected, 1) else text])
    counts = [f"{n:,}" for n, _ in next(iter(found.values()))[1]]
    return report.table([head, *counts, "last / first"], rows)


def table(records):
    parts = ["Instructions for one operation; in brackets the same on memory that is not protected (shared and anonymous). Bold: from the first "
             f"column to the last it grows more than {GROWS} times as much as ordinary memory's does, or than not at all. Sleeping and waking is measured "
             "by what it leaves to another process."]
    for kernel in dict.fromkeys(record["kernel"] for record in records):
        for axis, (what, *_) in AXES.items():
            found = curves(records, kernel, axis)
            if found:
                parts.append(f"**{kernel}**, by the number of {what}:\n\n" + one_table(found, axis))
    return "\n\n".join(parts)


def plots(records, directory):
    kernel, files = records[0]["kernel"], []
    for axis, (what, *_) in AXES.items():
        found = curves(records, kernel, axis)
        lines = {}
        for op, kinds in found.items():
            for protected, points in kinds.items():
                lines[op + ("" if protected else " (ordinary memory)")] = points
        name = axis.replace(" ", "-")
        if lines:
            files.append(report.plot(f"{directory}/scale-{name}.svg", what, axis, f"instructions ({kernel})", lines, "set logscale xy"))
    return files
