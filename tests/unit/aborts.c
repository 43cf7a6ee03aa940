// SPDX-License-Identifier: LGPL-2.1-or-later
/* Misuse ends the process at once, and says in one line what was wrong. */
#include <salloc.h>
#include <stdint.h>
#include <string.h>

#include "../../lib/pages.h"
#include "../../lib/region.h"
#include "tap.h"

static void *hidden(void *ptr)
{
	/* The compiler would warn of what is done here, were it to see it. */
	__asm__("" : "+r"(ptr));
	return ptr;
}

static void do_free(void *ptr)
{
	sfree(hidden(ptr));
}

static void do_free_twice(void *ptr)
{
	sfree(hidden(ptr));
	sfree(hidden(ptr));
}

static void do_resize(void *ptr)
{
	hidden(srealloc(hidden(ptr), 10));
}

static void do_ask(void *ptr)
{
	hidden((void *)ssize(hidden(ptr)));
}

static void double_free(void)
{
	char *page[2] = { salloc(4096), salloc(4096) };
	char *tiny[3] = { salloc(24), salloc(24), salloc(24) };
	char *alone = salloc(700);
	char *span = salloc(100000), *large = salloc(3 << 20);

	ok(tap_aborts(do_free_twice, tiny[1], "double free of", tiny[1]),
	   "double free of a slot");
	ok(tap_aborts(do_free_twice, alone, "double free of", alone),
	   "double free of the only slot of a page");
	ok(tap_aborts(do_free_twice, page[0], "double free of", page[0]),
	   "double free of a page");
	ok(tap_aborts(do_free_twice, span, "double free of", span),
	   "double free of a span");
	ok(tap_aborts(do_free_twice, large, "sfree of foreign pointer", large),
	   "double free of a region: it is not ours any more");
	sfree(tiny[1]);
	sfree(page[1]);
	ok(tap_aborts(do_resize, tiny[1], "srealloc of freed block", tiny[1]),
	   "srealloc of a freed block");
	ok(tap_aborts(do_ask, page[1], "ssize of freed block", page[1]),
	   "ssize of a freed block");
	sfree(tiny[0]);
	sfree(tiny[2]);
	sfree(page[0]);
	sfree(alone);
	sfree(span);
	sfree(large);
}

static void inner_pointers(void)
{
	char *tiny = salloc(32), *span = salloc(100000), *large = salloc(3 << 20);
	char *odd = salloc(1360);

	ok(tap_aborts(do_free, tiny + 16, "sfree of inner pointer", tiny + 16),
	   "a pointer into a slot");
	ok(tap_aborts(do_resize, tiny + 1, "srealloc of inner pointer", tiny + 1),
	   "srealloc of a pointer into a slot");
	ok(tap_aborts(do_ask, tiny + 31, "ssize of inner pointer", tiny + 31),
	   "ssize of a pointer into a slot");
	ok(tap_aborts(do_free, odd + 4080, "sfree of inner pointer", odd + 4080),
	   "a pointer into what the slots of a page leave over");
	ok(tap_aborts(do_free, span + 16, "sfree of inner pointer", span + 16),
	   "a pointer into the first page of a span");
	ok(tap_aborts(do_free, span + 4096, "sfree of inner pointer", span + 4096),
	   "a pointer to another page of a span");
	ok(tap_aborts(do_free, large + 4096, "sfree of inner pointer",
		      large + 4096), "a pointer into a region");
	sfree(odd);
	sfree(tiny);
	sfree(span);
	sfree(large);
}

/* A page that began a run once is the middle of another one now. */
static void reused_pages(void)
{
	char *first = salloc(4096), *second = salloc(4096), *span;
	char *low = first < second ? first : second;

	sfree(first);
	sfree(second);
	span = salloc(8192);
	if (ok(span == low, "two pages are used again as a span"))
		ok(tap_aborts(do_free, span + 4096, "sfree of inner pointer",
			      span + 4096), "its second page is not a block");
	sfree(span);
}

static void foreign_pointers(void)
{
	static char variable[64];
	char local[64];
	char *block = salloc(16);
	char *beyond = block + (16 << 20);

	ok(tap_aborts(do_free, variable, "sfree of foreign pointer", variable),
	   "a static variable");
	ok(tap_aborts(do_free, local, "sfree of foreign pointer", local),
	   "a local variable");
	ok(tap_aborts(do_free, (void *)16, "sfree of foreign pointer", (void *)16),
	   "a small number");
	ok(tap_aborts(do_free, (void *)-16, "sfree of foreign pointer",
		      (void *)-16), "a large number");
	ok(tap_aborts(do_free, beyond, "sfree of foreign pointer", beyond),
	   "a page of the arena that was never used");
	sfree(block);
}

struct stray {
	char *block;
	size_t size, offset;
};

static void write_after_free(void *argument)
{
	struct stray *stray = argument;

	/* Another block holds the page, so that it is used again. */
	for (int i = 0; i < 300; i++) {
		char *other = salloc(stray->size);

		if (other == stray->block)
			return;
	}
}

static void late_writes(void)
{
	static const size_t sizes[] = { 16, 64, 512, 1024 };
	bool first = true, last = true;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *anchor = salloc(sizes[i]);
		struct stray stray = { salloc(sizes[i]), sizes[i], 0 };

		sfree(stray.block);
		*(char *)hidden(stray.block) = 1;
		first &= tap_aborts(write_after_free, &stray,
				    "write after free in block", stray.block);
		*(char *)hidden(stray.block) = 0;
		((char *)hidden(stray.block))[sizes[i] - 1] = 1;
		last &= tap_aborts(write_after_free, &stray,
				   "write after free in block", stray.block);
		((char *)hidden(stray.block))[sizes[i] - 1] = 0;
		sfree(anchor);
	}
	ok(first, "the first byte written after free is noticed");
	ok(last, "the last byte written after free is noticed");
}

static struct page *record_of(void *ptr)
{
	bool taken;

	return sl_pages_find(sl_region_find(ptr)->arena, ptr, &taken);
}

static void take_another(void *ptr)
{
	hidden(salloc(ssize(ptr)));
}

/* Records that something else has written to are noticed before they are used. */
static void bad_records(void)
{
	char *block = salloc(48), *span = salloc(20000);
	char *page = block - ((uintptr_t)block & 4095);
	struct page *record = record_of(block), saved = *record;
	struct page *big = record_of(span);

	record->slots = 1000;
	ok(tap_aborts(do_free, block, "corrupted record of", page), "slots");
	*record = saved;
	record->count = 0;
	ok(tap_aborts(do_free, block, "corrupted record of", page), "count");
	*record = saved;
	record->count = record->slots;
	ok(tap_aborts(take_another, block, "corrupted record of", page), "full");
	*record = saved;
	record->cursor = 200;
	ok(tap_aborts(take_another, block, "corrupted record of", page), "cursor");
	*record = saved;
	memset(record->taken, 0xff, sizeof(record->taken));
	ok(tap_aborts(take_another, block, "corrupted record of", page), "taken");
	*record = saved;
	record->next = big;
	ok(tap_aborts(do_free, block, "corrupted record of", page), "next");
	*record = saved;
	record->previous = big;
	ok(tap_aborts(do_free, block, "corrupted record of", page), "previous");
	*record = saved;
	record->arena = NULL;
	ok(tap_aborts(do_free, block, "corrupted record of", block), "arena");
	*record = saved;
	big->count = 1 << 30;
	ok(tap_aborts(do_free, span, "corrupted record of", span),
	   "a span longer than its arena");
	big->count = 7;
	ok(tap_aborts(do_free, span, "corrupted record of", span),
	   "a span longer than what is taken");
	big->count = 5;
	sfree(span);
	sfree(block);
}

int main(void)
{
	double_free();
	inner_pointers();
	reused_pages();
	foreign_pointers();
	late_writes();
	bad_records();
	return tap_done();
}
