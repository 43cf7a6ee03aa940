/* SPDX-License-Identifier: GPL-2.0-only */
/* The fuzzer's operations. Each does one thing to the arena, and looks whether it had the outcome that the model says. */
#ifndef OPS_H
#define OPS_H

#include "model.h"

struct op {
	const char *name;
	unsigned int weight;
	void (*run)(struct world *w);
};

/* Of the memory and its contents; of processes, threads, signals and those who look on. Each ends with a NULL. */
extern const struct op ops_memory[], ops_tasks[];

/* Does @count operations. In fuzz.c. */
void ops_run(struct world *w, unsigned long count);
/* Opens the device anew. */
void ops_open_device(struct world *w);

#endif
