/* SPDX-License-Identifier: GPL-2.0-only */
/* A dump of the machine's RAM, as tests/vm/run --dump-ram makes it. */
#ifndef DUMP_H
#define DUMP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void dump_ram(void)
{
	char line[32];

	/* Whoever is to sleep does by then. */
	usleep(100000);
	puts("@dump-ram");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(2);
}

#endif
