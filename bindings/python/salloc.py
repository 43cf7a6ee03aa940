# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory that is in plaintext only while this process runs.

    import salloc

    with salloc.Buffer(32) as key:
        key.readfrom(file)              # or whatever takes a writable buffer
        tag = hashlib.blake2b(message, key=key).digest()
    # wiped

A Buffer is a block of libsalloc, salloc(3), with the buffer protocol: bytes in it are read and written where they are. What Python itself
makes of them is not protected: key[:], bytes(key), int.from_bytes(key, ...) are copies in ordinary memory, and Python wipes none. So read
into a buffer, hand it to what takes buffers, and compare with equal().

Needs nothing but libsalloc.so.0 and Python 3.8 or later; no compiler. Functions raise OSError with the errno that salloc(3) names: ENOSYS when
the kernel module is not loaded, unless fallback() or SALLOC_FALLBACK has allowed for less.
"""

import ctypes
import errno
import functools
import hmac
import os
import sys
from collections import namedtuple

__all__ = ["Buffer", "Status", "equal", "fallback", "guard", "status", "FALLBACK_SECRET", "FALLBACK_LOCKED", "FALLBACK_WIPE", "GUARD_PARK",
           "GUARD_REFUSE", "GUARD_HIDE"]

FALLBACK_SECRET, FALLBACK_LOCKED, FALLBACK_WIPE = 1, 2, 4
GUARD_PARK, GUARD_REFUSE, GUARD_HIDE = 1, 2, 4

_PROTECTIONS = ("none", "kernel", "secret", "locked")
_STATES = ("unavailable", "ready", "protected", "traced", "locked", "broken")

_library = ctypes.CDLL(os.environ.get("SALLOC_LIBRARY", "libsalloc.so.0"), use_errno=True)


class _Status(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("protection", ctypes.c_uint32), ("state", ctypes.c_uint32), ("error", ctypes.c_int32),
                ("allocated", ctypes.c_uint64), ("mapped", ctypes.c_uint64), ("used", ctypes.c_uint64), ("limit", ctypes.c_uint64),
                ("left", ctypes.c_uint64)]


def _declare(name, result, *arguments):
    function = getattr(_library, name)
    function.restype = result
    function.argtypes = arguments
    return function


_salloc = _declare("salloc", ctypes.c_void_p, ctypes.c_size_t)
_salloc_guarded = _declare("salloc_guarded", ctypes.c_void_p, ctypes.c_size_t)
_sfree = _declare("sfree", None, ctypes.c_void_p)
_zero = _declare("salloc_zero", None, ctypes.c_void_p, ctypes.c_size_t)
_status = _declare("salloc_status", ctypes.c_int, ctypes.POINTER(_Status))
_fallback = _declare("salloc_fallback", ctypes.c_int, ctypes.c_uint)
_guard = _declare("salloc_guard", ctypes.c_int, ctypes.c_uint)
_access = {name: _declare("salloc_" + name, ctypes.c_int, ctypes.c_void_p) for name in ("ro", "rw", "noaccess")}


def _failed(what):
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def _check(result, what):
    if result:
        _failed(what)


class _Block(int):
    """The address of a block, which is freed with it. The cycle collector knows nothing of it: so it goes after all finalizers have run."""

    __slots__ = ()

    def __del__(self, free=_sfree):
        free(int(self))


class Buffer:
    """Buffer(size, guarded=False): `size` bytes of protected memory, all zero, or OSError.

    It has the buffer protocol, and is a sequence of bytes: an item is an int, a slice a memoryview and no copy. As a context manager it is
    wiped at the end; else by close(), or when nobody has it any more. The memory is given back when nobody looks at it any more, through a
    memoryview, say, which sees zeros from then on.

    With guarded=True it lies between pages that nobody may touch, and readonly(), noaccess() and readwrite() say what may be done with it;
    breaking that, like running over its end, kills the process: SIGSEGV.
    """

    def __new__(cls, size, guarded=False):
        if cls is not Buffer:
            raise TypeError("salloc.Buffer cannot be subclassed")
        if size < 0:
            raise ValueError(f"negative size: {size}")
        if size > sys.maxsize:
            raise OSError(errno.ENOMEM, f"{size} bytes of protected memory: {os.strerror(errno.ENOMEM)}")
        ctypes.set_errno(0)
        address = (_salloc_guarded if guarded else _salloc)(size)
        if not address:
            _failed(f"{size} bytes of protected memory")
        block = _Block(address)
        self = _buffer_type(size).from_address(address)
        self._address = block
        self._guarded = guarded
        self._writable = True
        self.closed = False
        self.wipe()
        return self

    # That of the array takes what to fill it with.
    def __init__(self, size, guarded=False):
        pass

    def _view(self):
        if self.closed:
            raise ValueError("this buffer is closed")
        return memoryview(self).cast("B")

    def __getitem__(self, index):
        return self._view()[index]

    def __setitem__(self, index, value):
        self._view()[index] = value

    def __iter__(self):
        return iter(self._view())

    def __repr__(self):
        return f"<salloc.Buffer, {'closed' if self.closed else str(len(self)) + ' bytes'}>"

    def __eq__(self, other):
        try:
            return equal(self, other)
        except TypeError:
            return NotImplemented

    __hash__ = None

    def __copy__(self):
        copy = Buffer(len(self), self._guarded)
        copy[:] = self._view()
        return copy

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __reduce__(self):
        raise TypeError("what is in protected memory is not pickled")

    def readfrom(self, file):
        """Fills it from a file, past the buffer that Python has for that, which would be a copy. How many bytes were read, before its end."""
        view = self._view()
        done = 0
        while done < len(view):
            n = os.readv(file.fileno(), [view[done:]])
            if self.closed:
                self.wipe()
                raise ValueError("this buffer was closed while it was being filled")
            if not n:
                break
            done += n
        return done

    def wipe(self):
        if not self._writable:
            raise ValueError("this buffer may not be written: readwrite() comes first")
        _zero(self._address, len(self))

    def readonly(self):
        self._may("ro")

    def readwrite(self):
        self._may("rw")

    def noaccess(self):
        self._may("noaccess")

    def _may(self, what):
        if self.closed:
            raise ValueError("this buffer is closed")
        _check(_access[what](self._address), "salloc_" + what)
        self._writable = what == "rw"

    def close(self):
        if not self.closed:
            # One that a child could not have is found out so, too.
            if self._guarded or not self._writable:
                self.readwrite()
            self.closed = True
            self.wipe()

    def __enter__(self):
        self._view()
        return self

    def __exit__(self, *exception):
        self.close()


@functools.lru_cache(maxsize=64)
def _buffer_type(size):
    return type("Buffer", (Buffer, ctypes.c_ubyte * size), {"__hash__": None})


def equal(a, b):
    """Whether two buffers, or things with the buffer protocol, have the same bytes, in a time that tells nothing but their lengths."""
    return hmac.compare_digest(*(x._view() if isinstance(x, Buffer) else memoryview(x).cast("B") for x in (a, b)))


class Status(namedtuple("Status", "protection state error allocated mapped used limit left")):
    """What protects this process's blocks, and how it is with them, as salloc_status(3) has it; bytes."""


def status():
    answer = _Status(size=ctypes.sizeof(_Status))
    _check(_status(ctypes.byref(answer)), "salloc_status")
    return Status(_PROTECTIONS[answer.protection], _STATES[answer.state], answer.error, answer.allocated, answer.mapped, answer.used,
                  answer.limit, answer.left)


def fallback(flags):
    """Says what will do where the kernel module is absent: FALLBACK_*, salloc_fallback(3). Before the first buffer."""
    _check(_fallback(flags), "salloc_fallback")


def guard(flags):
    """Says what becomes of debuggers: GUARD_*, salloc_guard(3)."""
    _check(_guard(flags), "salloc_guard")
