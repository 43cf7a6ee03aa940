/* SPDX-License-Identifier: GPL-2.0-only */
/* The module: loaded, unloaded, and loaded again with the parameters that it had. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <sys/types.h>

/* What it was loaded with, as it is now, for module_reload(). */
void module_remember(void);
/* 0, or errno. */
int module_load(const char *parameters);
int module_reload(void);
/* 0, or errno. @flags: besides O_NONBLOCK. */
int module_unload(int flags);
/* As soon as it is idle, or not at all. */
void module_unload_idle(void);
/* Whether a thread that does not run is in a function of its. */
bool module_has(pid_t tid);

#endif
