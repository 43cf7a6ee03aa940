/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module: what the command asks of the kernel module. The tests put
 * tests/fake.c in the place of device.c.
 */
#ifndef TOOL_MODULE_H
#define TOOL_MODULE_H

#include <stdbool.h>
#include <stdio.h>

#include <uapi/cryptmem.h>

/* device.c: the only file that knows a path in the system. errno when it fails. */
int device_open(void);
int device_query(int fd, struct cryptmem_query *q);
FILE *device_numbers(const char *name); /* in debugfs: "totals", "domains" */
bool device_loaded(void);
bool device_version(char *text, size_t room);

/*
 * The module, ready to be used: EXIT_FINE, or what the command is to exit with,
 * and the reason has been told: EXIT_NOT_SO, not loaded; EXIT_TROUBLE.
 */
int module_query(struct cryptmem_query *q);
int module_unloaded(void);
/* Like module_query(), also tries a region: EXIT_FINE or EXIT_TROUBLE. */
int module_usable(struct cryptmem_query *q);

/* A file of numbers; on NULL *why and *how (a hint) tell why not. */
FILE *module_numbers(const char *name, const char **why, const char **how);

#endif /* TOOL_MODULE_H */
