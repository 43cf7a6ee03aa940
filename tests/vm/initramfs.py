# SPDX-License-Identifier: GPL-2.0-only
"""The guest's initramfs: busybox, the agent, the kernel modules needed to reach the host's file system, and crypto.

An uncompressed cpio archive (unpacking gzip is slow under emulation), written by hand because it is 20 lines. The base
is cached per kernel; what differs from run to run is a second archive appended to it.
"""

import functools
import hashlib
import lzma
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
COMPILER = {"amd64": "gcc", "arm64": "aarch64-linux-gnu-gcc"}
APPLETS = "sh cat cp echo chroot hostname ifconfig insmod ln mkdir mount poweroff switch_root".split()

# What the guest needs to see the host; what the module may ask the crypto API for.
BASE = "virtio_pci virtio_console virtiofs overlay".split()
CRYPTO = "aesni_intel cryptd gcm ctr cbc xts ghash_clmulni_intel ghash_generic aegis128_aesni aegis128".split()


def entry(name, mode, data=b""):
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def archive(files):
    """files: {path: bytes | str (a symlink's target) | None (a directory)}; parents come before their children."""
    parts = []
    for path, content in files.items():
        if content is None:
            parts.append(entry(path, 0o040755))
        elif isinstance(content, str):
            parts.append(entry(path, 0o120777, content.encode()))
        else:
            parts.append(entry(path, 0o100755, content))
    parts.append(entry("TRAILER!!!", 0))
    return b"".join(parts)


def underscored(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


class Modules:
    """The modules of an unpacked kernel, as depmod sees them."""

    def __init__(self, kernel_dir, release):
        self.dir = f"{kernel_dir}/lib/modules/{release}"
        self.path, self.needs = {}, {}
        with open(f"{self.dir}/modules.dep") as lines:
            for line in lines:
                path, needs = line.split(":")
                self.path[underscored(path)] = path
                self.needs[underscored(path)] = [underscored(need) for need in needs.split()]

    def closure(self, names):
        """`names` and all they need, in an order in which they load. Those built in (or unknown to this
        kernel, which is the same to us) are left out."""
        order = []

        def add(name):
            if name not in self.path or name in order:
                return
            for need in self.needs[name]:
                add(need)
            order.append(name)

        for name in names:
            add(name)
        return order

    def content(self, name):
        with open(f"{self.dir}/{self.path[name]}", "rb") as file:
            data = file.read()
        return lzma.decompress(data) if self.path[name].endswith(".xz") else data


@functools.cache
def busybox(arch):
    """Where there is one that runs in the guest. May take a download."""
    if arch == "amd64":
        return "/bin/busybox"
    return subprocess.run([f"{TOP}/scripts/busybox-fetch"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def agent(arch):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([COMPILER[arch], "-static", "-O2", "-o", out.name, f"{HERE}/guest/agent.c"], check=True)
        with open(out.name, "rb") as file:
            return file.read()


def build(kernel_dir, release, arch):
    files = {"bin": None, "m": None, "proc": None, "sys": None, "dev": None}
    with open(busybox(arch), "rb") as file:
        files["bin/busybox"] = file.read()
    for applet in APPLETS:
        files[f"bin/{applet}"] = "busybox"
    with open(f"{HERE}/guest/init", "rb") as file:
        files["init"] = file.read()
    files["agent"] = agent(arch)
    modules = Modules(kernel_dir, release)
    for number, name in enumerate(modules.closure(BASE + CRYPTO)):
        files[f"m/{number:02}-{name}.ko"] = modules.content(name)
    return archive(files)


def fingerprint(arch):
    """Of all that build() reads but the kernel, which its release names."""
    digest = hashlib.sha256()
    for path in __file__, f"{HERE}/guest/init", f"{HERE}/guest/agent.c", busybox(arch):
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def cached(kernel_dir, release, arch, cache):
    """The path of the base archive, built now if need be. Two who build at once both win: it is renamed into place."""
    directory = f"{cache}/initramfs/{release}"
    path = f"{directory}/{fingerprint(arch)}.cpio"
    if not os.path.exists(path):
        os.makedirs(directory, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory, delete=False) as file:
            file.write(build(kernel_dir, release, arch))
        os.rename(file.name, path)
    return path
