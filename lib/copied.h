/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copied: whether the program has copies of a library's variables. A program
 * whose code was not compiled to look for them elsewhere has room for those of
 * the libraries that it was linked with, and the dynamic linker has everybody
 * use these ("copy relocations", R_X86_64_COPY).
 */
#ifndef SL_COPIED_H
#define SL_COPIED_H

#include <stdint.h>

/* The name of one that the library has in [@start, @end), or NULL. Takes the dynamic linker's lock. */
const char *sl_copied_from(uintptr_t start, uintptr_t end);

#endif
