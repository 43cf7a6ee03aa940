# SPDX-License-Identifier: GPL-2.0-only
"""The paper's table 2: random writes, ever more memory, and a competitor on the same CPU that wakes 100 times a second."""

import os

import context
import report
import works

TITLE = "The paper's table 2"

SIZES = list(works.TABLE2)                                       # 10^3 bytes
PAPER = [1.0, 0.99, 0.98, 0.93, 0.85, 0.76, 0.60, 0.43]
CIPHERS = ["", "cbc(aes)", "gcm(aes)", "aegis128"]              # the empty name: what the module takes by itself
LARGE = [4, 16, 64, 256]                                        # MiB
SETS = [16, 128]                                                # KiB
SET_TARGET = 0.99                                               # with a working set of 16 KiB
FEW = 10000                                                     # writes all over a large region: each is a fault
SWITCHES = 100                                                  # a second, that the competitor makes
MB = 1 << 20
# One guest, one after the other: what is compared was measured beside each other.
SCRIPT = context.BARE + 'set -e; p=$1/guest/table2; w=$2; few=$3; "$p" -w "$w" $4; "$p" -w $((w / 2)) $5; "$p" -w "$few" $6'


def pair(size, working_set=None, memory="salloc"):
    tail = f"{size}" + (f":{working_set}" if working_set else "")
    return [f"malloc:{tail}", f"{memory}:{tail}"]


def one(ctx, kernel, cipher):
    program = f"{ctx.programs}/table2"
    # Some 200 switches with malloc(): a round of ageing comes after 64 of them, and kernel threads run now and then.
    writes = 10_000_000 if ctx.quick else 84_000_000
    sizes = [size for size in SIZES if not ctx.quick or not cipher or size in (64, 256, 1024)]
    cells = [cell for size in sizes for cell in pair(size * 1000)]
    command = [program, "-w", str(writes), *cells]
    if not cipher:
        large = LARGE[:2] if ctx.quick else LARGE
        sets = [cell for size in large for working_set in SETS for cell in pair(size * MB, working_set * 1024, "salloc-default")]
        everywhere = [cell for size in large for cell in pair(size * MB, None, "salloc-default")]
        command = ["sh", "-c", SCRIPT, "sh", ctx.out, str(writes), str(FEW), " ".join(cells), " ".join(sets), " ".join(everywhere)]
    records = ctx.guest(kernel, command, module_args=f"cipher={cipher}" if cipher else "", timeout=3000)
    for record in records:
        record.update(kernel=kernel, asked=cipher or "default")
        # Those of the cipher alone.
        record.setdefault("memory", "none")
    for record in records:
        if record["memory"].startswith("salloc"):
            control = next(other for other in records if other["memory"] == "malloc" and
                           [other[key] for key in ("bytes", "set", "writes")] == [record[key] for key in ("bytes", "set", "writes")])
            record["ratio"] = round(control["ns"] / record["ns"], 5)
            record["switches_per_s"] = round(record["switch_seals"] * 1e9 / record["ns"], 1)
    return records


def measure(ctx):
    calls = [lambda kernel=kernel, cipher=cipher: one(ctx, kernel, cipher) for cipher in CIPHERS for kernel in ctx.kernels]
    return [record for records in ctx.together(calls) for record in records]


def find(records, **wanted):
    return next((record for record in records if all(record.get(key) == value for key, value in wanted.items())), None)


def cell(record, target=None):
    """A ratio, the switches a second it was had at, and whether it is what we want."""
    if not record:
        return None
    text = f"{record['ratio']:.3f} ({record['switches_per_s']:.0f}/s)" if record["ratio"] >= 0.1 else \
           f"{record['ratio']:.1e} ({record['switches_per_s']:.0f}/s)"
    return text + works.met(record["ratio"], target)


def paper_table(records, kernel):
    ours = [record for record in records if record["kernel"] == kernel and record["memory"] == "salloc"]
    default = next(record["cipher"] for record in ours if record["asked"] == "default")
    bare = find(records, kernel=kernel, what="bare", cipher=default)
    head = ["10^3 bytes", "pages", "paper", "target", f"default: {default}", "its cipher alone", "cbc(aes), as in the paper", "gcm(aes)", "aegis128"]
    rows = []
    for (size, target), paper in zip(works.TABLE2.items(), PAPER):
        row = [find(ours, bytes=size * 1000, asked=cipher or "default") for cipher in CIPHERS]
        pages = -(-size * 1000 // 4096)
        alone = f"{1 - SWITCHES * pages * (bare['encrypt'] + bare['decrypt']) / 1e9:.3f}" if bare else None
        rows.append([size, pages, f"{paper:.2f}", f"{target:.2f}", cell(row[0], target), alone, *map(cell, row[1:])])
    return report.table(head, rows)


def large_table(records, kernel):
    ours = [record for record in records if record["kernel"] == kernel and record["memory"] == "salloc-default"]
    rows = []
    for size in sorted({record["bytes"] for record in ours}):
        small, full, everywhere = (find(ours, bytes=size, set=working_set) for working_set in (16384, 131072, 0))
        rows.append([size // MB, cell(small, SET_TARGET), cell(full), cell(everywhere)])
    return report.table(["MiB", f"16 KiB of it are written (target {SET_TARGET})", "128 KiB", f"all of it, {FEW} writes"], rows)


def table(records):
    parts = ["m/s, the time with `malloc()` divided by that with `salloc()`, for the same number of random writes. In brackets: how often "
             "a second the memory was sealed (and unsealed) at a context switch. The window is as large as the memory (`CRYPTMEM_IOC_CONFIG`), "
             "so that all of it is sealed at each switch, as in the paper; all pages are dirty. Targets "
             "have two digits, as the paper's figures have, and are compared with two. *Its cipher alone*: what is left when a hundred times a second each "
             "page is encrypted and decrypted by the kernel's crypto API, and nothing else happens: the best that can be had here. The competitor makes 100 switches a second. Where there "
             "are many more, sealing takes longer than the scheduler's slice of time: it is charged to the competitor, which is then preempted "
             "before it sleeps again, and the memory is sealed once more (6.12, whose slice is 0.7 ms with one CPU)."]
    kernels = sorted({record["kernel"] for record in records}, key=lambda name: [int(part) for part in name.split("-")[0].split(".")])
    for kernel in kernels:
        parts += [f"**{kernel}**", paper_table(records, kernel)]
    parts.append("Larger regions, all of which had been written once, with the default window of 32 pages, and writes to a working set (whole pages, spread "
                 "evenly over the region). Writes all over a region that is larger than the window fault nearly every time.")
    for kernel in kernels:
        parts += [f"**{kernel}**", large_table(records, kernel)]
    return "\n\n".join(parts)


def plots(records, directory):
    kernel = records[0]["kernel"]
    curves = {"the paper, 2004": list(zip(SIZES, PAPER)), "target": list(works.TABLE2.items())}
    for cipher in CIPHERS:
        ours = [record for record in records if (record["kernel"], record["memory"], record["asked"]) == (kernel, "salloc", cipher or "default")]
        name = cipher or f"default: {ours[0]['cipher']}"
        curves[name] = sorted((record["bytes"] / 1000, record["ratio"]) for record in ours)
    return [report.plot(os.path.join(directory, "table2.svg"), f"random writes, 100 switches a second ({kernel})", "10^3 bytes of memory, all sealed at each switch",
                        "m/s", curves, "set logscale x 2\nset yrange [0:1.05]\nset key inside bottom left")]
