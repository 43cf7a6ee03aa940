# SPDX-License-Identifier: GPL-2.0-only
"""Where the instructions go."""

import re

import profiler
import report

TITLE = "Where the instructions go"
WORK = {"switch 32": "a sleep, and 32 pages written before it", "thrash": "a page is touched that is not in the window, which is full",
        "unmap 1": "a region of one page is unmapped", "unmap 100": "the same with 100 others there"}
PARTS = [("the cipher", re.compile(r"\[(aegis128\w*|aesni_intel|ghash\w*|gcm|ctr)\]$")),
         ("its interface", re.compile(r"\[(crypto_simd|cryptd)\]$|^(skcipher_|scatterwalk_|crypto_|sg_|kernel_fpu_|irq_fpu_usable)")),
         ("this module", re.compile(r"\[cryptmem\]$")),
         ("the program", re.compile(r"^\(the program\)$"))]
REST = "the rest of the kernel"
LARGEST = 6


def one(ctx, kernel, words):
    _, counts, calls = profiler.profile(ctx, kernel, words.split())
    return {"kernel": kernel, "work": words, "counts": counts, "calls": calls}


def measure(ctx):
    return ctx.together([lambda kernel=kernel, words=words: one(ctx, kernel, words) for kernel in ctx.kernels for words in WORK])


def part_of(function):
    return next((name for name, pattern in PARTS if pattern.search(function)), REST)


def table(records):
    names = [name for name, _ in PARTS] + [REST]
    rows, largest = [], []
    for record in records:
        parts = dict.fromkeys(names, 0)
        for function, number in record["counts"].items():
            parts[part_of(function)] += number
        total = sum(parts.values())
        rows.append([record["kernel"], f"`{record['work']}`: {WORK[record['work']]}", f"{total:,.0f}", *(f"{parts[name]:,.0f} ({100 * parts[name] / total:.0f} %)" for name in names)])
        most = sorted(record["counts"].items(), key=lambda item: -item[1])[:LARGEST]
        largest.append([record["kernel"], f"`{record['work']}`", ", ".join(f"`{function}` {number:,.0f} in {record['calls'].get(function, 0):.0f}" for function, number in most)])
    return (report.table(["kernel", "work", "instructions", *names], rows) + "\n\nThe functions with most instructions, and in how many calls:\n\n" +
            report.table(["kernel", "work", "functions"], largest))
