// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where a class is given its devices as const. */
#include <linux/device/class.h>

char *cm_probe(const struct device *dev, umode_t *mode);
extern struct class cm_probe_class;
struct class cm_probe_class = { .devnode = cm_probe };
