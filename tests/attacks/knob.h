/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KNOB_H
#define KNOB_H

#include <stdbool.h>

/* Writes @text to a file of the kernel's, opened with @flags besides O_WRONLY. True when it took all of it. */
bool knob_set(const char *file, const char *text, int flags);

#endif
