#!/bin/sh
# SPDX-License-Identifier: MIT
# gpg.sh ARGUMENT...: gpg, with the passphrases and keys that it has in libgcrypt's secure memory in protected memory.
library=libsalloc-gcrypt.so
exec env LD_PRELOAD="${LIBDIR:+$LIBDIR/}$library" gpg "$@"
