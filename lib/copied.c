// SPDX-License-Identifier: LGPL-2.1-or-later
#include "copied.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#define RELOC_COPY	R_X86_64_COPY
#elif defined(__aarch64__)
#define RELOC_COPY	R_AARCH64_COPY
#else
#error "What is a copy relocation called here?"
#endif

#define WORD_BITS	(8 * sizeof(ElfW(Addr)))

/* What of a program or library this is about. */
struct object {
	ElfW(Addr) base;
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Rela) *relocs;
	size_t reloc_bytes;
	const uint32_t *hash, *old_hash;	/* DT_GNU_HASH, DT_HASH: it has one at least */
};

struct search {
	uintptr_t start, end;
	struct object program, owner;
};

/* Some dynamic linkers have added the base already, some do not. */
static const void *pointer(const struct object *object, ElfW(Addr) value)
{
	return (const void *)(value < object->base ? value + object->base : value);
}

static struct object describe(const struct dl_phdr_info *info)
{
	struct object object = { .base = info->dlpi_addr };
	const ElfW(Dyn) *entry = NULL;

	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			entry = (const void *)(object.base + info->dlpi_phdr[i].p_vaddr);
	for (; entry && entry->d_tag != DT_NULL; entry++) {
		const void *at = pointer(&object, entry->d_un.d_ptr);

		if (entry->d_tag == DT_SYMTAB)
			object.symbols = at;
		else if (entry->d_tag == DT_STRTAB)
			object.strings = at;
		else if (entry->d_tag == DT_RELA)
			object.relocs = at;
		else if (entry->d_tag == DT_RELASZ)
			object.reloc_bytes = entry->d_un.d_val;
		else if (entry->d_tag == DT_GNU_HASH)
			object.hash = at;
		else if (entry->d_tag == DT_HASH)
			object.old_hash = at;
	}
	return object;
}

static bool holds(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    address - info->dlpi_addr - info->dlpi_phdr[i].p_vaddr < info->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

/* The program comes first. */
static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;

	(void)size;
	if (!search->program.symbols)
		search->program = describe(info);
	if (!holds(info, search->start))
		return 0;
	search->owner = describe(info);
	return 1;
}

/* Whether that symbol has the name and is in the range. There may be several of a name, of different versions. */
static bool is_wanted(const struct search *search, uint32_t number, const char *name)
{
	const struct object *object = &search->owner;
	const ElfW(Sym) *symbol = &object->symbols[number];

	return symbol->st_shndx != SHN_UNDEF && object->base + symbol->st_value - search->start < search->end - search->start &&
	       !strcmp(object->strings + symbol->st_name, name);
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static bool has(const struct search *search, const char *name)
{
	const uint32_t *table = search->owner.hash;
	uint32_t buckets = table[0], first = table[1], bloom = table[2];
	const uint32_t *bucket = table + 4 + bloom * (WORD_BITS / 32);
	const uint32_t *chain = bucket + buckets;
	uint32_t hash = hash_of(name), at = buckets ? bucket[hash % buckets] : 0;

	if (at < first)
		return false;
	for (;; at++) {
		if ((chain[at - first] | 1) == (hash | 1) && is_wanted(search, at, name))
			return true;
		if (chain[at - first] & 1)
			return false;
	}
}

/* The same with the older table, which tells how many symbols there are. */
static bool has_one_by_one(const struct search *search, const char *name)
{
	for (uint32_t at = 1; at < search->owner.old_hash[1]; at++)
		if (is_wanted(search, at, name))
			return true;
	return false;
}

const char *sl_copied_from(uintptr_t start, uintptr_t end)
{
	struct search search = { .start = start, .end = end };
	const struct object *program = &search.program, *owner = &search.owner;

	if (!dl_iterate_phdr(look, &search) || !program->relocs || owner->symbols == program->symbols)
		return NULL;
	for (size_t i = 0; i < program->reloc_bytes / sizeof(*program->relocs); i++) {
		const ElfW(Rela) *reloc = &program->relocs[i];
		const char *name;

		if (ELF64_R_TYPE(reloc->r_info) != RELOC_COPY)
			continue;
		name = program->strings + program->symbols[ELF64_R_SYM(reloc->r_info)].st_name;
		if (owner->hash ? has(&search, name) : has_one_by_one(&search, name))
			return name;
	}
	return NULL;
}
