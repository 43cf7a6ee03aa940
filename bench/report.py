# SPDX-License-Identifier: GPL-2.0-only
"""Where results go: build/bench.json, docs/performance.md; and what tables and plots are made with."""

import datetime
import json
import os
import shlex
import shutil
import subprocess
import sys

from context import OUT, TOP

JSON = f"{TOP}/build/bench.json"
PAGE = f"{TOP}/docs/performance.md"
PICTURES = f"{TOP}/docs/performance"


def said(*command):
    """The first line of what a command prints, or nothing."""
    try:
        run = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return ""
    return (run.stdout.splitlines() or [""])[0].strip()


def release(kernel):
    """What a kernel calls itself."""
    directory = said(f"{TOP}/scripts/kernel-fetch", kernel)
    try:
        with open(f"{directory}/release") as file:
            return file.read().strip()
    except OSError:
        return "?"


def emulator():
    """The QEMU that tests/vm/run uses."""
    below = said(f"{TOP}/scripts/qemu-fetch", "x86_64")
    return f"{below.rstrip('/')}/usr/bin/qemu-system-x86_64"


def revision():
    """That which was measured; this page itself makes no difference."""
    changed = said("git", "status", "--porcelain", "--untracked-files=no", "--", ":!docs")
    return said("git", "describe", "--always") + ("-dirty" if changed else "")


def meta(ctx, command):
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "command": shlex.join(command),
            "revision": revision(), "kernels": {kernel: release(kernel) for kernel in ctx.kernels},
            "cpu": ctx.cpu, "qemu": said(emulator(), "--version"), "quick": ctx.quick}


class Book:
    """build/bench.json, {"meta": ..., "sections": {NAME: {"meta": ..., "records": [...]}}}, written anew after each section."""

    def __init__(self, ctx, writes, command):
        self.writes, self.command = writes, command
        self.meta = meta(ctx, command)

    def sections(self):
        try:
            with open(JSON) as file:
                return json.load(file)["sections"]
        except (OSError, ValueError, KeyError):
            return {}

    def records(self, name):
        return self.sections().get(name, {}).get("records")

    def add(self, name, records):
        sections = self.sections()
        ciphers = sorted({record["cipher"] for record in records if record.get("cipher")})
        sections[name] = {"meta": {**self.meta, "ciphers": ciphers}, "records": records}
        os.makedirs(os.path.dirname(JSON), exist_ok=True)
        with open(JSON + ".new", "w") as file:
            json.dump({"meta": self.meta, "sections": sections}, file, indent=1)
            file.write("\n")
        os.rename(JSON + ".new", JSON)

    def publish(self, name, text, files):
        """Put a section into the page, between its marks, and its plots beside the page."""
        os.makedirs(PICTURES, exist_ok=True)
        for path in files:
            shutil.copy(path, PICTURES)
            text += f"\n\n![{name}](performance/{os.path.basename(path)})"
        how = self.sections()[name]["meta"]
        text += f"\n\n{', '.join(how['kernels'].values())}; revision {how['revision']}{', quick' if how['quick'] else ''}."
        with open(PAGE) as file:
            before, begin, rest = file.read().partition(f"<!-- bench {name}: made by ")
        _, arrow, rest = rest.partition("-->\n")
        _, end, after = rest.partition(f"<!-- bench {name}: end -->")
        if not begin or not arrow or not end:
            sys.exit(f"bench: error: {PAGE} has no place for {name}: <!-- bench {name}: made by ... -->")
        with open(PAGE, "w") as file:
            file.write(f"{before}{begin}{how['command']} {arrow}{text}\n{end}{after}")


def table(head, rows):
    """Markdown. A cell that is None is empty."""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" if i == 0 else "---:" for i in range(len(head))) + " |"]
    return "\n".join(lines + ["| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows])


def plot(path, title, xlabel, ylabel, curves, settings=""):
    """An SVG by gnuplot. curves: {name: [(x, y), ...]}; settings: more lines of gnuplot. Returns path."""
    data = path.removesuffix(".svg") + ".dat"
    with open(data, "w") as file:
        for points in curves.values():
            file.writelines(f"{x} {y}\n" for x, y in points)
            file.write("\n\n")
    title, xlabel, ylabel, *names = (text.replace("'", "''") for text in (title, xlabel, ylabel, *curves))
    lines = ", ".join(f"'{data}' index {i} with linespoints title '{name}'" for i, name in enumerate(names))
    script = (f"set terminal svg size 760,440 enhanced background rgb 'white' font 'sans,12'\nset termoption noenhanced\nset output '{path}'\n"
              f"set title '{title}'\nset xlabel '{xlabel}'\nset ylabel '{ylabel}'\nset grid\nset key outside right\n{settings}\nplot {lines}\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return path
