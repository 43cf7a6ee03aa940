#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bindings/python, with locked memory in place of the module's; and without any.
cd "$(dirname "$0")/../.." || exit 2
export SALLOC_LIBRARY=$PWD/build/lib/libsalloc.so.0 PYTHONPATH=$PWD/bindings/python PYTHONDONTWRITEBYTECODE=1
[ -e /dev/cryptmem ] || export SALLOC_FALLBACK=locked
exec /usr/bin/python3 tests/unit/buffers.py
