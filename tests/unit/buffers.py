# SPDX-License-Identifier: LGPL-2.1-or-later
"""What salloc.Buffer and the functions beside it do. TAP."""

import copy
import errno
import gc
import hashlib
import os
import pickle
import signal
import subprocess
import sys

import salloc

count = failures = 0


def ok(good, what):
    global count, failures
    count += 1
    failures += not good
    print(f"{'' if good else 'not '}ok {count} - {what}", flush=True)


def raises(error, call, number=None):
    try:
        call()
    except error as e:
        return number is None or e.errno == number
    return False


def in_another(code, **environment):
    """How a Python of its own ends, and what it says."""
    done = subprocess.run([sys.executable, "-c", "import os, salloc\n" + code], env={**os.environ, **environment}, capture_output=True,
                          text=True)
    return done.returncode, done.stdout.strip()


def pipe_with(data):
    r, w = os.pipe()
    os.write(w, data)
    os.close(w)
    return os.fdopen(r, "rb")


before = salloc.status()
ok(before.state in ("ready", "protected") and not before.error, "there is something to have")
with salloc.Buffer(32) as key:
    ok(len(key) == 32 and bytes(key) == bytes(32) and key[31] == 0, "all zero")
    ok(salloc.status().allocated == before.allocated + 32 and salloc.status().protection in ("kernel", "locked"), "it is a block")
    key[0] = 255
    key[1:4] = b"abc"
    ok(list(key[:5]) == [255, 97, 98, 99, 0] and isinstance(key[:5], memoryview), "items and slices")
    ok(raises(IndexError, lambda: key[32]) and raises(ValueError, lambda: key.__setitem__(slice(0, 2), b"abc")), "past its end")
    ok(sum(key) == 255 + 97 + 98 + 99, "one after the other")
    with pipe_with(b"k" * 40) as file:
        ok(key.readfrom(file) == 32 and bytes(key) == b"k" * 32, "filled from a file")
    with pipe_with(b"short") as file:
        ok(key.readfrom(file) == 5 and bytes(key[:6]) == b"shortk", "which may end early")
    ok(hashlib.blake2b(b"m", key=key).digest() == hashlib.blake2b(b"m", key=bytes(key)).digest(), "other modules take it")
    ok(key == bytes(key) and key != bytes(32) and key != 5 and salloc.equal(key, bytearray(key)) and not salloc.equal(key, b"short"), "compared")
    twin = copy.copy(key)
    twin[0] = 1
    ok(key[0] != 1 and copy.deepcopy(twin) == twin and raises(TypeError, lambda: hash(key)), "copied, to another block")
    ok(raises(TypeError, lambda: pickle.dumps(key)), "not pickled")
    view = memoryview(key)
ok(key.closed and bytes(view) == bytes(32), "wiped at the end, for all who look at it")
ok(raises(ValueError, lambda: key[0]) and raises(ValueError, key.readonly) and raises(ValueError, key.__enter__), "closed")
ok("closed" in repr(key) and "32" in repr(twin) and key.close() is None, "closed twice")
del key
ok(salloc.status().allocated == before.allocated + 64, "a view keeps it")
del view, twin
gc.collect()
ok(salloc.status().allocated == before.allocated, "given back when nobody has it")
guarded = salloc.Buffer(100, guarded=True)
guarded[:] = b"g" * 100
guarded.readonly()
ok(bytes(guarded) == b"g" * 100, "read only")
guarded.readwrite()
guarded[0] = 1
ok(guarded[0] == 1, "and writable again")
ok(raises(OSError, salloc.Buffer(8).readonly, errno.EINVAL), "one that shares its pages: EINVAL")
ok(raises(ValueError, lambda: salloc.Buffer(-1)) and raises(OSError, lambda: salloc.Buffer(1 << 62), errno.ENOMEM), "sizes that cannot be")
ok(len(salloc.Buffer(0)) == 0 and salloc.equal(salloc.Buffer(0), b""), "none at all")
with salloc.Buffer(10, guarded=True) as shut:
    shut.noaccess()
ok(shut.closed, "closed whatever may be done with it")
with salloc.Buffer(2 << 20) as large:
    large[5] = 7
    large.readonly()
    ok(raises(ValueError, large.wipe), "what may not be written is not wiped")
    view = memoryview(large).cast("B")
ok(large.closed and view[5] == 0, "a large one, too")
del shut, large, view
lost = """
import resource
b = salloc.Buffer(100, guarded=True)
if not os.getuid():
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
child = os.fork()
if not child:
    try:
        b.close()
    except OSError as error:
        os._exit(error.errno)
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
if os.environ.get("SALLOC_FALLBACK") == "locked":
    ok(in_another(lost)[0] == errno.ENOMEM, "a child that could not have it is told so")
else:
    ok(True, "a child that could not have it is told so # SKIP the memory is not locked memory")


class Holder:
    def __del__(self):
        self.view[0] = 1


now = salloc.status().allocated
holder, held = Holder(), salloc.Buffer(32)
holder.view, holder.buffer, held.holder = memoryview(held).cast("B"), held, holder
del holder, held
gc.collect()
ok(salloc.status().allocated == now, "in a cycle, with something that looks at it as it goes")
ok(raises(TypeError, lambda: type("Mine", (salloc.Buffer,), {})(1)), "no subclasses")
ok(raises(OSError, lambda: salloc.Buffer(2**64 + 32), errno.ENOMEM) and salloc.status().allocated == now, "sizes that no pointer has")
for what, code in (("written to", "b.readonly(); b[0] = 1"), ("read", "b.noaccess(); b[0]"),
                   ("overrun", "import ctypes; ctypes.memset(b._address + 100, 1, 1)")):
    ok(in_another("b = salloc.Buffer(100, guarded=True); " + code)[0] == -signal.SIGSEGV, f"{what}, as it may not be: SIGSEGV")
if os.path.exists("/dev/cryptmem"):
    ok(True, "without anything: ENOSYS # SKIP the module is here")
    ok(True, "what it says it makes do with # SKIP the module is here")
else:
    none = "try: salloc.Buffer(1)\nexcept OSError as e: print(e.errno, salloc.status().state)"
    ok(in_another(none, SALLOC_FALLBACK="") == (0, f"{errno.ENOSYS} unavailable"), "without anything: ENOSYS")
    code = "salloc.fallback(salloc.FALLBACK_LOCKED); b = salloc.Buffer(1); print(salloc.status().protection)"
    ok(in_another(code, SALLOC_FALLBACK="") == (0, "locked"), "what it says it makes do with")
ok(raises(OSError, lambda: salloc.fallback(64), errno.EINVAL) and raises(OSError, lambda: salloc.guard(64), errno.EINVAL), "unknown flags: EINVAL")
print(f"1..{count}")
sys.exit(failures != 0)
