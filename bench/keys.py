# SPDX-License-Identifier: GPL-2.0-only
"""Keys for the programs that are measured: build/bench/keys, made anew each time."""

import os
import re
import shutil
import subprocess

from context import OUT

DIRECTORY = f"{OUT}/keys"
SSH = {"rsa-3072": ["-t", "rsa", "-b", "3072"], "ed25519": ["-t", "ed25519"]}
TLS = {"rsa-2048": ["rsa:2048"], "p-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}


def quietly(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make():
    """The directory, for guests: NAME and NAME.pub for ssh-agent, NAME.crt and NAME.key for a server."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    os.makedirs(DIRECTORY, mode=0o700)
    for name, how in SSH.items():
        quietly("ssh-keygen", "-q", *how, "-N", "", "-f", f"{DIRECTORY}/{name}")
    for name, how in TLS.items():
        quietly("openssl", "req", "-x509", "-newkey", *how, "-nodes", "-keyout", f"{DIRECTORY}/{name}.key", "-out", f"{DIRECTORY}/{name}.crt",
                "-days", "3650", "-subj", "/CN=bench")
    return os.path.relpath(DIRECTORY, os.path.dirname(os.path.dirname(OUT)))


def prime(path):
    """The first prime of an RSA key as a program on this machine has it in memory."""
    text = subprocess.run(["openssl", "rsa", "-in", path, "-noout", "-text"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True).stdout
    digits = re.search(r"prime1:\s*((?:[0-9a-f]{2}:?\s*)+)", text)[1]
    return bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[::-1].rstrip(b"\0")
