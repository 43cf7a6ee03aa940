#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tag.py KEYFILE FILE: the BLAKE2b tag of a file, under a key that is never in ordinary memory but in hashlib's own."""

import hashlib
import sys

import salloc

if len(sys.argv) != 3:
    sys.exit("usage: tag.py KEYFILE FILE")
with salloc.Buffer(32) as key, open(sys.argv[1], "rb", buffering=0) as keyfile:
    if key.readfrom(keyfile) != len(key):
        sys.exit(f"{sys.argv[1]}: no key of 32 bytes")
    tag = hashlib.blake2b(key=key, digest_size=32)
with open(sys.argv[2], "rb") as file:
    while chunk := file.read(65536):
        tag.update(chunk)
print(tag.hexdigest())
