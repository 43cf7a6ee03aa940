/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image: what an attacker got to see of a process's memory, at the virtual
 * addresses where it was.
 */
#ifndef EXTRACT_IMAGE_H
#define EXTRACT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE	((size_t)4096)

/**
 * struct segment - a range of addresses
 * @va: its first
 * @data: what is there; pages that could not be read are zero
 * @size: bytes
 * @refused: how many of them could not be read
 */
struct segment {
	uint64_t va;
	uint8_t *data;
	size_t size;
	size_t refused;
};

/**
 * struct image - see above
 * @segments: by address
 * @count: how many
 * @refusal: errno of the last read that failed
 */
struct image {
	struct segment *segments;
	size_t count;
	int refusal;
};

enum image_how {
	IMAGE_MEM,	/* /proc/PID/mem */
	IMAGE_READV,	/* process_vm_readv() */
};

bool image_of_process(struct image *image, pid_t pid, enum image_how how,
		      size_t limit);
bool image_of_core(struct image *image, const char *path);
bool image_of_dumps(struct image *image, const char *manifest);

bool image_save(const struct image *image, const char *path);

struct segment *image_add(struct image *image, uint64_t va, size_t size);
bool image_copy(const struct image *image, uint64_t va, size_t len, void *buf);
size_t image_bytes(const struct image *image);
size_t image_refused(const struct image *image);
size_t image_noise(const struct image *image, const struct segment **most);
void image_free(struct image *image);

uint8_t *map_file(const char *path, size_t *size);

#endif
