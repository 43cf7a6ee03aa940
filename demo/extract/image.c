// SPDX-License-Identifier: GPL-2.0-only
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "noise.h"

#define CHUNK	((size_t)1 << 20)

static void *must(void *memory)
{
	if (!memory) {
		fputs("extract-key: error: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

/**
 * image_add() - one segment more
 * @image: the image
 * @va: above all that are there already
 * @size: bytes
 *
 * Return: the segment, all zero, until the next call.
 */
struct segment *image_add(struct image *image, uint64_t va, size_t size)
{
	struct segment *s;

	image->segments = must(realloc(image->segments, (image->count + 1) *
						       sizeof(*image->segments)));
	s = &image->segments[image->count++];
	memset(s, 0, sizeof(*s));
	s->va = va;
	s->size = size;
	s->data = must(calloc(1, size + 1));
	return s;
}

static ssize_t read_some(pid_t pid, int mem, uint64_t va, uint8_t *buf,
			 size_t len)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)va, len };

	if (mem >= 0)
		return pread(mem, buf, len, va);
	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

/* In large pieces, and page by page where that fails. */
static void read_segment(struct image *image, struct segment *s, pid_t pid,
			 int mem)
{
	size_t done = 0;

	while (done < s->size) {
		size_t len = s->size - done < CHUNK ? s->size - done : CHUNK;
		size_t end = done + len;
		ssize_t n = read_some(pid, mem, s->va + done, s->data + done, len);

		if (n > 0) {
			done += n;
			continue;
		}
		for (; done < end; done += PAGE) {
			if (read_some(pid, mem, s->va + done, s->data + done,
				      PAGE) == (ssize_t)PAGE)
				continue;
			s->refused += PAGE;
			image->refusal = errno;
		}
	}
}

/**
 * image_of_process() - from a live process
 * @image: what to fill in
 * @pid: the process; it need not be stopped
 * @how: by which of the kernel's interfaces
 * @limit: bytes of each mapping at most
 *
 * All that is writable: secrets made at run time are nowhere else.
 *
 * Return: whether there is such a process that we may look at.
 */
bool image_of_process(struct image *image, pid_t pid, enum image_how how,
		      size_t limit)
{
	char path[64], line[512], perms[5];
	int mem = -1;
	FILE *maps;

	memset(image, 0, sizeof(*image));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		return false;
	if (how == IMAGE_MEM) {
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		mem = open(path, O_RDONLY | O_CLOEXEC);
		if (mem < 0) {
			fclose(maps);
			return false;
		}
	}
	while (fgets(line, sizeof(line), maps)) {
		uint64_t from, to;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, perms) != 3 ||
		    perms[1] != 'w')
			continue;
		if (to - from > limit)
			to = from + limit;
		read_segment(image, image_add(image, from, to - from), pid, mem);
	}
	fclose(maps);
	if (mem >= 0)
		close(mem);
	return image->count > 0;
}

/**
 * map_file() - a whole file, to read
 * @path: the file
 * @size: its bytes
 *
 * Return: where it is, or NULL.
 */
uint8_t *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !st.st_size) {
		close(fd);
		return NULL;
	}
	at = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	*size = st.st_size;
	return at == MAP_FAILED ? NULL : at;
}

/**
 * image_of_core() - from a core file
 * @image: what to fill in
 * @path: ELF, 64 bits, as gcore and the kernel write it
 *
 * Return: whether that is one.
 */
bool image_of_core(struct image *image, const char *path)
{
	size_t size;
	uint8_t *file = map_file(path, &size);
	const Elf64_Ehdr *header = (void *)file;

	memset(image, 0, sizeof(*image));
	if (!file || size < sizeof(*header) ||
	    memcmp(header->e_ident, ELFMAG, SELFMAG) ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_type != ET_CORE ||
	    header->e_phoff > size ||
	    header->e_phnum > (size - header->e_phoff) / sizeof(Elf64_Phdr))
		return false;
	for (size_t i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *p = (void *)(file + header->e_phoff + i * sizeof(*p));
		struct segment *s;
		size_t there;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_W) || p->p_offset > size)
			continue;
		/* cut short: the disk was full */
		there = size - p->p_offset < p->p_filesz ? size - p->p_offset : p->p_filesz;
		s = image_add(image, p->p_vaddr, there > p->p_memsz ? there : p->p_memsz);
		memcpy(s->data, file + p->p_offset, there);
		s->refused = s->size - there;
		if (s->refused)
			image->refusal = EFAULT;
	}
	munmap(file, size);
	return image->count > 0;
}

/**
 * image_save() - as a core file
 * @image: the image
 * @path: where to
 *
 * Segments of which nothing could be read have a size, but no contents.
 *
 * Return: whether that worked.
 */
bool image_save(const struct image *image, const char *path)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = image->count,
	};
	uint64_t offset = sizeof(header) + image->count * sizeof(Elf64_Phdr);
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fwrite(&header, sizeof(header), 1, f);
	for (size_t i = 0; i < image->count; i++) {
		const struct segment *s = &image->segments[i];
		Elf64_Phdr p = {
			.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = offset,
			.p_vaddr = s->va, .p_memsz = s->size,
			.p_filesz = s->refused < s->size ? s->size : 0,
		};

		offset += p.p_filesz;
		fwrite(&p, sizeof(p), 1, f);
	}
	for (size_t i = 0; i < image->count; i++)
		if (image->segments[i].refused < image->segments[i].size)
			fwrite(image->segments[i].data, image->segments[i].size, 1, f);
	/* errors stick to the stream */
	return !(ferror(f) | fclose(f));
}

/**
 * image_of_dumps() - from files that gdb's `dump memory` wrote
 * @image: what to fill in
 * @manifest: lines of START END FILE, START and END in hex
 *
 * A file that is not there could not be dumped: refused.
 *
 * Return: whether the manifest can be read.
 */
bool image_of_dumps(struct image *image, const char *manifest)
{
	FILE *list = fopen(manifest, "r");
	char line[512], path[256];
	uint64_t from, to;

	memset(image, 0, sizeof(*image));
	if (!list)
		return false;
	while (fgets(line, sizeof(line), list)) {
		struct segment *s;
		size_t size;
		uint8_t *file;

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %255s", &from, &to, path) != 3 ||
		    to <= from)
			continue;
		file = map_file(path, &size);
		s = image_add(image, from, to - from);
		if (!file || size < s->size) {
			s->refused = s->size - (file ? size : 0);
			image->refusal = EIO;
		}
		if (!file)
			continue;
		memcpy(s->data, file, size < s->size ? size : s->size);
		munmap(file, size);
	}
	fclose(list);
	return image->count > 0;
}

/**
 * image_copy() - what is at an address
 * @image: the image
 * @va: the address
 * @len: bytes; they may reach over adjoining segments
 * @buf: where they go
 *
 * Return: whether all of it is in the image.
 */
bool image_copy(const struct image *image, uint64_t va, size_t len, void *buf)
{
	uint8_t *out = buf;

	for (size_t i = 0; i < image->count && len; i++) {
		const struct segment *s = &image->segments[i];
		size_t n;

		if (va < s->va || va - s->va >= s->size)
			continue;
		n = s->size - (va - s->va);
		if (n > len)
			n = len;
		memcpy(out, s->data + (va - s->va), n);
		out += n;
		va += n;
		len -= n;
	}
	return !len;
}

/**
 * image_bytes() - what could be read
 * @image: the image
 *
 * Return: bytes.
 */
size_t image_bytes(const struct image *image)
{
	size_t bytes = 0;

	for (size_t i = 0; i < image->count; i++)
		bytes += image->segments[i].size;
	return bytes - image_refused(image);
}

/**
 * image_refused() - what could not be read
 * @image: the image
 *
 * Return: bytes.
 */
size_t image_refused(const struct image *image)
{
	size_t bytes = 0;

	for (size_t i = 0; i < image->count; i++)
		bytes += image->segments[i].refused;
	return bytes;
}

/**
 * image_noise() - how much looks as if it were random
 * @image: the image
 * @most: the segment that has the most of it; NULL if none has any
 *
 * Return: bytes.
 */
size_t image_noise(const struct image *image, const struct segment **most)
{
	size_t total = 0, best = 0;

	*most = NULL;
	for (size_t i = 0; i < image->count; i++) {
		const struct segment *s = &image->segments[i];
		size_t bytes = 0;

		for (size_t at = 0; at + PAGE <= s->size; at += PAGE)
			bytes += noise_is(s->data + at, PAGE) ? PAGE : 0;
		total += bytes;
		if (bytes > best) {
			best = bytes;
			*most = s;
		}
	}
	return total;
}

/**
 * image_free() - give it back
 * @image: may be empty
 */
void image_free(struct image *image)
{
	for (size_t i = 0; i < image->count; i++)
		free(image->segments[i].data);
	free(image->segments);
	memset(image, 0, sizeof(*image));
}
