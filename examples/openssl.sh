#!/bin/sh
# SPDX-License-Identifier: MIT
# openssl.sh KEY CERTIFICATE PORT: a TLS server that keeps its private key in protected memory.
library=libsalloc-openssl.so
exec env LD_PRELOAD="${LIBDIR:+$LIBDIR/}$library" openssl s_server -key "$1" -cert "$2" -accept "$3" -www
