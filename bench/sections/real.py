# SPDX-License-Identifier: GPL-2.0-only
"""Programs that people run, as they are and under `cryptmem run`."""

import keys
import report
import works

TITLE = "Real programs"
# What bench/guest/real.sh is to do, a guest for each line.
LOADS = [["agent:rsa-3072", "agent:rsa-3072:64", "agent:ed25519", "agent:ed25519:64"],
         ["tls:rsa-2048", "tls:rsa-2048:128", "tls:p-256", "tls:p-256:128"],
         ["key:rsa-2048", "key:p-256", "gcm:16 KiB", "redis:1", "redis:500:512"]]
TARGETS = {"ssh-agent": 0.97, "TLS": 0.97, "TLS, key alone": 0.97}


def measure(ctx):
    directory = keys.make()
    ms = "150" if ctx.quick else "500"
    calls = [(kernel, loads) for kernel in ctx.kernels for loads in LOADS]
    results = ctx.together([lambda kernel=kernel, loads=loads: ctx.guest(kernel, ["bench/guest/real.sh", directory, ms, *loads])
                            for kernel, loads in calls])
    return [{"kernel": kernel, **record} for (kernel, _), records in zip(calls, results) for record in records]


def pairs(records):
    """Each kind of work unprotected and protected."""
    found = {}
    for record in records:
        key = tuple(record[name] for name in ("what", "of", "window", "competitor", "kernel"))
        found.setdefault(key, {})["plain" if record["memory"] == "malloc" else "protected"] = record
    return {key: both for key, both in found.items() if len(both) == 2 and all(one["count"] for one in both.values())}


def each(record, name):
    return record[name] / record["count"]


def row(key, both):
    what, of, window, competitor, kernel = key
    plain, protected = both["plain"], both["protected"]
    cost = each(protected, "ns") - each(plain, "ns")
    own = each(plain, "cpu_ns")
    ratio = each(plain, "ns") / each(protected, "ns")
    target = TARGETS.get(what)
    return [f"{works.NAMES[what]}, {of}" + (" keys" if what.startswith("redis") else ""), window, competitor, kernel, f"{1e9 / each(plain, 'ns'):.0f}",
            f"{1e9 / each(protected, 'ns'):.0f}", f"{ratio:.3f}" + (f" (target {target})" if target else ""), f"{own / (own + cost):.3f}",
            f"{protected['switches'] / protected['ns'] * 1e9:.0f}", f"{each(protected, 'switches'):.1f}",
            f"{each(protected, 'faults'):.1f}", f"{each(protected, 'evictions'):.1f}"]


def table(records):
    head = ["work", "window", "competitor, Hz", "kernel", "malloc, 1/s", "protected, 1/s", "ratio", "ratio of the program alone", "switches/s",
            "switches each", "faults each", "evictions each"]
    return report.table(head, [row(key, both) for key, both in pairs(records).items()])
