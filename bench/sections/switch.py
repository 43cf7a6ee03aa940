# SPDX-License-Identifier: GPL-2.0-only
"""What one switch costs, by page, against the cipher itself; what faults and evictions cost; how long interrupts are off."""

import context
import report

TITLE = "One switch, one fault"

CIPHERS = ["", "gcm(aes)", "aegis128", "cbc(aes)"]      # the empty name: what the module takes by itself
WITH_ERMS = "max"
DIRTY_TARGET, CLEAN_TARGET, WINDOW = 1.15, 0.1, 32
SCRIPT = context.BARE + 'exec "$1/guest/switch" -n "$2"'


def one(ctx, kernel, cipher, cpu):
    records = ctx.guest(kernel, ["sh", "-c", SCRIPT, "sh", ctx.out, "64" if ctx.quick else "256"],
                        module_args=f"cipher={cipher}" if cipher else "", cpu=cpu)
    used = next(record["cipher"] for record in records if record["what"] == "rounds")
    for record in records:
        record.update(kernel=kernel, cpu=cpu, asked=cipher or "default", used=used)
    return records


def measure(ctx):
    calls = []
    for kernel in ctx.kernels:
        for cipher in CIPHERS[:1] + CIPHERS[2:3] if ctx.quick else CIPHERS:
            for cpu in [ctx.cpu] if ctx.quick and cipher else [ctx.cpu, WITH_ERMS]:
                calls.append(lambda kernel=kernel, cipher=cipher, cpu=cpu: one(ctx, kernel, cipher, cpu))
    return [record for records in ctx.together(calls) for record in records]


def slope(points):
    """Least squares: what y grows by for each x."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def per_page(boot):
    """Instructions a page: sealed dirty, sealed clean, unsealed; and what a round of sleeping costs all in all for a dirty and a clean one,
    its part of ageing included."""
    lines, whole = {}, {}
    for touch in ("dirty", "clean", "empty"):
        rounds = [record for record in boot if record["what"] == "rounds" and record["touch"] == touch]
        lines[touch] = slope([(record["pages"], record["seal_ns"] / record["switch_seals"]) for record in rounds])
        whole[touch] = slope([(record["pages"], record["ns"] / record["rounds"]) for record in rounds])
    unseal = lines["clean"] - lines["empty"]
    return {"dirty": lines["dirty"] - unseal, "clean": lines["empty"], "unseal": unseal, "all_dirty": whole["dirty"], "all_clean": whole["clean"]}


def boots(records):
    found = {}
    for record in records:
        found.setdefault((record["kernel"], record["cpu"], record["asked"]), []).append(record)
    return found


def met(value, limit):
    return f"{value:.2f} " + ("met" if value <= limit else "**not met**")


def row(kernel, cpu, asked, boot):
    used = boot[0]["used"]
    bare = next((record for record in boot if record["what"] == "bare" and record["cipher"] == used), None)
    costs = per_page(boot)
    worst = max(record["seal_ns_max"] for record in boot if record["what"] == "rounds" and record["pages"] == WINDOW)
    cells = [f"{kernel}, {used}" + (" (default)" if asked == "default" else "") + (", ERMS" if cpu == WITH_ERMS else "")]
    cells += [f"{bare['encrypt']} / {bare['decrypt']}" if bare else "?", f"{costs['dirty']:.0f}", f"{costs['clean']:.0f}", f"{costs['unseal']:.0f}"]
    cells += [met(costs["dirty"] / bare["encrypt"], DIRTY_TARGET), met(costs["clean"] / bare["encrypt"], CLEAN_TARGET),
              f"{worst}: " + met(worst / bare["encrypt"], WINDOW)] if bare else [None, None, worst]
    return cells + [f"{costs['all_dirty']:.0f}", f"{costs['all_clean']:.0f}"]


def table(records):
    head = ["", "the cipher alone: encrypts / decrypts a page", "page sealed, dirty", "page sealed, clean", "page unsealed",
            f"dirty / alone (target {DIRTY_TARGET})", f"clean / alone (target {CLEAN_TARGET})",
            f"longest with interrupts off, {WINDOW} dirty pages (a window that has not grown); pages' worth (target {WINDOW})", "dirty page, all in all", "clean page, all in all"]
    found = boots(records)
    parts = ["Instructions. *The cipher alone*: one call of the kernel's crypto API for a page, interrupts off, from a page to another one "
             "(`bench/kernel/bare.c`). The next columns are slopes over 8, 16, 24 and 32 pages, of what the module's clock counts at context switches: pages "
             "that were written; that were only read; that were read and had never been written, so that nothing is decrypted. *All in all*: what one page more in use takes of the CPU each time that "
             "the process sleeps and wakes, measured by what it leaves to another process; that includes the rounds of ageing, which put the window out once in 64 seals in "
             "the steady state: what is used then comes back by faults. It repeats to a tenth or so.",
             report.table(head, [row(*key, boot) for key, boot in found.items()])]
    parts += pages(found)
    shown = [(key, boot) for key, boot in found.items() if key[2] == "default"]
    parts += ["A fault, from the touch in user mode and back; an eviction, by shrinking the window. Averages of 248 to 256.", faults(shown)]
    return "\n\n".join(parts)


def faults(shown):
    rows = {}
    for _, boot in shown:
        for record in boot:
            if record["what"] == "fault":
                rows.setdefault(record["how"], {})[id(boot)] = f"{record['ns']:.0f}"
    head = [f"{kernel}, {boot[0]['used']}" + (", ERMS" if cpu == WITH_ERMS else "") for (kernel, cpu, _), boot in shown]
    return report.table(["instructions", *head], [[how, *(cells.get(id(boot)) for _, boot in shown)] for how, cells in rows.items()])


def pages(found):
    """What other ciphers would cost, and what a page costs that is only wiped or copied."""
    rows, others = [], []
    for (kernel, cpu, asked), boot in found.items():
        if asked != "default":
            continue
        page = next((record for record in boot if record["what"] == "page"), None)
        bare = [record for record in boot if record["what"] == "bare"]
        if page:
            label = kernel + (", ERMS" if cpu == WITH_ERMS else "")
            rows.append([label, page["clear"] - page["clock"], page["copy"] - page["clock"], page["clock"]])
            others += [[f"{label}, {record['cipher']}: {record['driver']}", record["encrypt"], record["decrypt"], record["encrypt_in_place"],
                        record["decrypt_in_place"]] for record in bare]
    return [report.table(["instructions", "clear_page()", "copy_page()", "reading the clock (in all of these)"], rows),
            report.table(["the cipher alone: driver", "encrypts", "decrypts", "encrypts in place", "decrypts in place"], others)]


def plots(records, directory):
    found = [(key, boot) for key, boot in boots(records).items() if key[2] == "default" and key[1] != WITH_ERMS][:1]
    curves = {}
    for (kernel, _, _), boot in found:
        for touch in ("dirty", "clean", "empty"):
            curves[touch] = [(record["pages"], record["seal_ns"] / record["switch_seals"]) for record in boot
                             if record["what"] == "rounds" and record["touch"] == touch]
        return [report.plot(f"{directory}/switch.svg", f"sealing and unsealing at a switch ({kernel}, {boot[0]['used']})", "pages in the window",
                            "instructions", curves, "set yrange [0:*]\nset key inside top left")]
    return []
