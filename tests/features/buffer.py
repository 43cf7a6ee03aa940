# SPDX-License-Identifier: GPL-2.0-only
# A keeper (keeper.h) of what is in a buffer of Python's: of bindings/python, or "plain" as an argument: a bytearray.
import os
import sys

KEEPER_WORDS = 64 * 8


def sequence(i):
    x = (i * 2654435761 ^ 0x9e3779b9) & 0xffffffff
    x ^= x >> 15
    x = x * 0x2c1b3c6d & 0xffffffff
    x ^= x >> 12
    x = x * 0x297a2d39 & 0xffffffff
    return x ^ x >> 15


def fill(view, kind):
    for i in range(KEEPER_WORDS):
        view[i] = sequence(kind * KEEPER_WORDS + i)


def intact(view, kind):
    return all(view[i] == sequence(kind * KEEPER_WORDS + i) for i in range(KEEPER_WORDS))


plain = sys.argv[1:] == ["plain"]
if not plain:
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bindings/python"))
    import salloc
size = KEEPER_WORDS * 4
buffers = [bytearray(size), bytearray(size)] if plain else [salloc.Buffer(size), salloc.Buffer(size, guarded=True)]
views = [memoryview(buffer).cast("B").cast("I") for buffer in buffers]
for kind, view in enumerate(views):
    fill(view, kind)
if not plain:
    buffers[1].readonly()
os.write(3, b"\0")
if os.read(4, 1) != b"\0":
    sys.exit(3)
good = all(intact(view, kind) for kind, view in enumerate(views))
if not plain:
    buffers[1].readwrite()
    for buffer in buffers:
        buffer.close()
    good = good and views[0][5] == 0
    del views, view, buffers, buffer
    good = good and salloc.status().allocated == 0
sys.exit(0 if good else 4)
