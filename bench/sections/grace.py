# SPDX-License-Identifier: GPL-2.0-only
"""What it would save to leave plaintext for some time after a switch (grace_us), and what that would expose."""

import keys
import report
import works

TITLE = "Grace"

GRACES = [0, 100, 1000, 10000]                                  # microseconds; 0: strict
SIZES = [256, 512, 1024]                                        # 10^3 bytes, as in the paper's table 2
LOADS = ["agent:ed25519", "tls:rsa-2048", "key:rsa-2048", "key:p-256"]
SIGNER = "an Ed25519 key in salloc(), 100 signatures/s"
# One guest, one after the other: what is compared was measured beside each other.
SCRIPT = """set -e
p=$1/guest w=$2 ms=$3 keys=$4 cells=$5
"$p/table2" -w "$w" $cells
LABELS='"what": "signer"' "$p/signer" "$ms" 100
shift 5
exec bench/guest/real.sh "$keys" "$ms" "$@"
"""


def one(ctx, kernel, grace, directory):
    writes = 10_000_000 if ctx.quick else 84_000_000
    cells = [f"{memory}:{size * 1000}" for size in SIZES for memory in ("malloc", "salloc")]
    records = ctx.guest(kernel, ["sh", "-c", SCRIPT, "sh", ctx.out, str(writes), "150" if ctx.quick else "500", directory, " ".join(cells), *LOADS],
                        module_args=f"grace_us={grace}", timeout=3000)
    return [{"kernel": kernel, "grace": grace, **record} for record in records]


def measure(ctx):
    directory = keys.make()
    calls = [lambda kernel=kernel, grace=grace: one(ctx, kernel, grace, directory) for kernel in ctx.kernels for grace in GRACES]
    return [record for records in ctx.together(calls) for record in records]


def pairs(records):
    """The same work with and without protection, of the same boot: (what, of, competitor) -> both."""
    found = {}
    for record in records:
        if "bytes" in record:
            key = ("table2", record["bytes"] // 1000, 100)
        elif record["what"] == "signer":
            key = ("signer", "", 0)
        else:
            key = (record["what"], record["of"], record["competitor"])
        found.setdefault(key, {})["plain" if record["memory" if "memory" in record else "what"] == "malloc" else "protected"] = record
    return found


def cell(key, both):
    protected = both["protected"]
    seals = f"{protected['switch_seals'] / protected['ns'] * 1e9:.0f}/s"
    parts = []
    if "plain" in both:
        each = [record["ns"] / record.get("count", 1) for record in (both["plain"], protected)]
        ratio = each[0] / each[1]
        parts.append(f"{ratio:.3f} ({seals})" + works.met(ratio, works.TABLE2.get(key[1]) if key[0] == "table2" else None))
    else:
        parts.append(seals)
    if protected.get("plain_ns") is not None:
        parts.append(f"hidden {works.hidden(protected)}")
    return ", ".join(parts)


def name(key):
    what, of, competitor = key
    if what == "table2":
        return f"table 2, {of} x 10^3 bytes (target {works.TABLE2[of]:.2f})"
    if what == "signer":
        return SIGNER
    return f"{works.NAMES[what]}, {of}" + (f", competitor {competitor} Hz" if competitor else "")


def table(records):
    kernels = list(dict.fromkeys(record["kernel"] for record in records))
    parts = ["The ratio to the same work with `malloc()` in the same boot; in brackets, how often a second the memory was sealed; and how much of the time all "
             "of it was hidden, by the module's clock. `grace_us=0` is strict, what all other tables on this page are of."]
    for kernel in kernels:
        found = {grace: pairs([record for record in records if (record["kernel"], record["grace"]) == (kernel, grace)]) for grace in GRACES}
        rows = [[name(key), *(cell(key, found[grace][key]) if key in found[grace] else None for grace in GRACES)] for key in found[GRACES[0]]]
        parts += [f"**{kernel}**", report.table(["work", *(f"grace_us={grace}" + ("" if grace else ": strict") for grace in GRACES)], rows)]
    return "\n\n".join(parts)
