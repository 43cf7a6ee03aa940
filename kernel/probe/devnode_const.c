// SPDX-License-Identifier: GPL-2.0-only
/* Compiles where a class is given its devices as const. */
#include <linux/device/class.h>

void cm_probe(struct class *class,
	      char *(*devnode)(const struct device *dev, umode_t *mode));
void cm_probe(struct class *class,
	      char *(*devnode)(const struct device *dev, umode_t *mode))
{
	class->devnode = devnode;
}
