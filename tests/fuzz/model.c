// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool tracing;
struct report *report;

static unsigned char shadow[PAGES][PAGE];
static __thread sigjmp_buf again;
static __thread volatile bool guarding;

void model_mismatch(const struct world *w, const char *format, ...)
{
	va_list list;
	int n;

	if (!report->text[0]) {
		n = snprintf(report->text, sizeof(report->text), "seed %lu, operation %lu (%s%s): ", w->seed, w->op, w->name,
			     w->depth ? ", in a child" : "");
		va_start(list, format);
		vsnprintf(report->text + n, sizeof(report->text) - (size_t)n, format, list);
		va_end(list);
	}
	_exit(1);
}

static void caught(int number)
{
	if (guarding)
		siglongjmp(again, number);
	signal(number, SIG_DFL);	/* it happens again, and is the end */
}

int guarded_copy(void *to, const void *from, size_t length)
{
	int number = sigsetjmp(again, 1);

	if (!number) {
		guarding = true;
		memcpy(to, from, length);
	}
	guarding = false;
	return number;
}

void model_start(struct world *w, unsigned long seed)
{
	struct sigaction action = { .sa_handler = caught, .sa_flags = SA_NODEFER };

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->name = "start";
	w->random.state = seed * 0x9e3779b97f4a7c15ULL + 1;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

unsigned long model_any(struct world *w, unsigned long below)
{
	return tap_random(&w->random, below);
}

/* In two steps: which half of an expression comes first is the compiler's choice. */
uint64_t model_word(struct world *w)
{
	uint64_t word = model_any(w, 1UL << 32) << 32;

	return word | model_any(w, 1UL << 32);
}

void model_fill(struct world *w, unsigned char *to, size_t length)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++, word >>= 8) {
		if (i % 8 == 0)
			word = model_word(w);
		to[i] = (unsigned char)word;
	}
}

unsigned char *model_shadow(size_t page)
{
	return shadow[page];
}

unsigned char *model_at(size_t page)
{
	return ARENA + page * PAGE;
}

size_t model_range(struct world *w, size_t most, size_t *n)
{
	size_t first = model_any(w, PAGES);

	*n = 1 + model_any(w, most < PAGES - first ? most : PAGES - first);
	return first;
}

bool model_usable(struct world *w, int prot, size_t most, size_t *first, size_t *n)
{
	for (int try = 0; try < 20; try++) {
		size_t i = 0, want;

		*first = model_range(w, most, &want);
		while (i < want && w->page[*first + i].mapped && (w->page[*first + i].prot & prot) == prot)
			i++;
		*n = i;
		if (i)
			return true;
	}
	return false;
}

/* A new number for each run of pages that had one. */
static void renumber(struct world *w, size_t from, size_t to)
{
	unsigned int before = 0;

	for (size_t i = from; i < to; i++) {
		if (i == from || w->page[i].vma != before)
			w->vmas++;
		before = w->page[i].vma;
		w->page[i].vma = w->vmas;
	}
}

void model_split(struct world *w, size_t first, size_t n)
{
	size_t end = first + n, rest = end;

	/* What is behind, in the same VMA, is cut off, too. */
	while (rest < PAGES && w->page[rest].vma == w->page[end - 1].vma)
		rest++;
	renumber(w, first, end);
	renumber(w, end, rest);
}

void model_zero(size_t first, size_t n)
{
	memset(shadow[first], 0, n * PAGE);
}

void model_unmap(struct world *w, size_t first, size_t n)
{
	model_split(w, first, n);
	for (size_t i = first; i < first + n; i++)
		w->page[i].mapped = false;
}

void model_map(struct world *w, size_t first, size_t n, int prot)
{
	model_unmap(w, first, n);
	w->vmas++;
	for (size_t i = first; i < first + n; i++)
		w->page[i] = (struct page){ .mapped = true, .prot = prot, .vma = w->vmas };
	model_zero(first, n);
}

void model_forked(struct world *w)
{
	for (size_t i = 0; i < PAGES; i++)
		if (w->page[i].nofork)
			w->page[i].mapped = false;
}

size_t model_mapped_from(const struct world *w, size_t first, size_t n)
{
	size_t i = 0;

	while (i < n && w->page[first + i].mapped)
		i++;
	return i;
}

void model_check(struct world *w, size_t page)
{
	static __thread unsigned char copy[PAGE];
	int number = guarded_copy(copy, model_at(page), PAGE);
	const struct page *p = &w->page[page];

	if (!p->mapped || !(p->prot & PROT_READ)) {
		expect(w, number == SIGSEGV, "page %zu, which cannot be read, gives signal %d", page, number);
		return;
	}
	expect(w, !number, "page %zu gives signal %d", page, number);
	for (size_t i = 0; i < PAGE; i++)
		expect(w, copy[i] == shadow[page][i], "page %zu has %#x at %#zx, not %#x", page, copy[i], i, shadow[page][i]);
}

void model_check_all(struct world *w)
{
	for (size_t i = 0; i < PAGES; i++)
		model_check(w, i);
}

bool model_leaked(size_t page, const unsigned char *got, size_t length)
{
	/* Zeros are no secret; eight bytes of it by chance are not to be had. */
	for (size_t i = 0; i + 8 <= length; i += 8) {
		static const unsigned char none[8];

		if (memcmp(shadow[page] + i, none, 8) && !memcmp(shadow[page] + i, got + i, 8))
			return true;
	}
	return false;
}
