# SPDX-License-Identifier: GPL-2.0-only
"""How much of the time a secret is in plaintext."""

import keys
import outside
import report
import works

TITLE = "Exposure"
PACES = {"idle": "nothing", "100": "100 times a second", "closed": "without a pause"}
# Of tests/attacks/ram_exposure's victim, at the same places
STATES = {"sleep": "idle", "loop": "100", "busy": "closed"}
# A server with its key in each, and the module's parameters.
SERVERS = [("malloc", "", "malloc()"), ("salloc", "", "cryptmem run"), ("salloc", "window=8 window_grow=1", "cryptmem run, window of 8 pages"),
           ("salloc", "max_plain_us=1000", "cryptmem run, max_plain_us=1000"), ("key", "", "the key alone in salloc()"),
           ("key", "max_plain_us=1000", "the key alone in salloc(), max_plain_us=1000")]


def clock(ctx, kernel, directory):
    ms = "200" if ctx.quick else "1000"
    return [{"kernel": kernel, "by": "clock", **record} for record in ctx.guest(kernel, ["bench/guest/exposure.sh", directory, ms])]


def victims(ctx, kernel):
    """Three states to share the samples."""
    return [{"kernel": kernel, "by": "RAM", "what": f"a page looked at all through by two threads, {one['memory']}()", "pace": STATES[one["state"]],
             "samples": one["samples"], "exposed": one["exposed"]}
            for one in outside.ram_exposure(ctx, kernel, 12 if ctx.quick else 60, "--states", ",".join(STATES))]


def server(ctx, kernel, directory, memory, parameters, name):
    prime = keys.prime(f"{ctx.top}/{directory}/rsa-2048.key")
    pieces = [prime[at:at + 16] for at in range(0, len(prime) - 15, 64)]       # each is a pass through all of the memory
    needles = pieces + [piece[::-1] for piece in pieces]
    found = outside.sampled(ctx, kernel, needles, ["bench/guest/exposure_ram.sh", directory, memory, "4" if ctx.quick else "20", *PACES],
                            module_args=parameters)
    return [{"kernel": kernel, "by": "RAM", "what": f"TLS server, rsa-2048, {name}", "pace": pace, "samples": dumps, "exposed": hits}
            for pace, (dumps, hits) in found.items()]


def measure(ctx):
    directory = keys.make()
    calls = [lambda kernel=kernel: clock(ctx, kernel, directory) for kernel in ctx.kernels]
    calls += [lambda kernel=kernel, one=one: server(ctx, kernel, directory, *one) for kernel in ctx.kernels for one in SERVERS]
    calls += [lambda kernel=kernel: victims(ctx, kernel) for kernel in ctx.kernels]
    return [record for records in ctx.together(calls) for record in records]


def by_clock(records):
    rows = []
    for record in records:
        ns = record["ns"]
        rows.append([record["what"], PACES[record["pace"]], record["kernel"], f"{record['count'] / ns * 1e9:.0f}", f"{record['switches'] / ns * 1e9:.0f}",
                     f"{100 * record['cpu_ns'] / ns:.1f} %", "not counted" if record["plain_ns"] is None else works.hidden(record)])
    return report.table(["what", "signs", "kernel", "signatures/s", "switches/s", "on a CPU", "hidden, by the module's clock"], rows)


def by_ram(records):
    rows = {}
    for record in records:
        rows.setdefault((record["what"], record["kernel"]), {})[record["pace"]] = f"{record['exposed']} of {record['samples']}"
    return report.table(["found in dumps of RAM", "kernel", *PACES.values()], [[*key, *(cells.get(pace) for pace in PACES)] for key, cells in rows.items()])


def table(records):
    return (by_clock([record for record in records if record["by"] == "clock"]) + "\n\n" +
            by_ram([record for record in records if record["by"] == "RAM"]))
