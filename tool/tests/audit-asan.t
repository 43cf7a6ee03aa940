#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# audit.t, with the command compiled with ASan and UBSan.
TOOL=build/tests/tool/asan/cryptmem exec "$(dirname "$0")/audit.t"
