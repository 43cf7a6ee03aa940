/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ram: processes out of a dump of physical memory. Needs no symbols and knows
 * no kernel: the CPU's page tables are in the dump too, and their format is the
 * processor's (x86-64, 4 or 5 levels).
 */
#ifndef EXTRACT_RAM_H
#define EXTRACT_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image;

/**
 * struct ram - the dump
 * @data: offset is physical address: below 2 GiB there is no hole
 * @size: bytes
 */
struct ram {
	uint8_t *data;
	size_t size;
};

bool ram_open(struct ram *ram, const char *path);
size_t ram_next_table(const struct ram *ram, size_t from);
bool ram_process(const struct ram *ram, size_t table, int levels,
		 struct image *image);

#endif
