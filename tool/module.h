/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module: what the command asks of the kernel module. The tests put
 * tests/fake.c in the place of device.c.
 */
#ifndef TOOL_MODULE_H
#define TOOL_MODULE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>

#include <uapi/cryptmem.h>

/**
 * struct look - what a file lies on
 * @major: of its device, 0: of none
 * @minor: of its device
 * @verity: the kernel checks what it reads of it (fs-verity)
 */
struct look {
	unsigned int major;
	unsigned int minor;
	bool verity;
};

/* device.c: the only file that reaches into the system. errno when it fails. */
int device_open(void);
int device_query(int fd, struct cryptmem_query *q);
FILE *device_numbers(const char *name); /* in debugfs: "totals", "domains" */
bool device_loaded(void);
bool device_version(char *text, size_t room);
bool device_secret(void); /* memfd_secret() can be had */
/* The rest of the machine, by absolute path. */
FILE *device_file(const char *path);
DIR *device_dir(const char *path);
int device_look(const char *path, struct look *look);
void device_release(char *text, size_t room);

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
