// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stack.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "backend.h"
#include "meta.h"
#include "page.h"
#include "region.h"

/* Calls @function on the stack that ends at @top, and tells unwinders where its caller's is. */
void sl_stack_switch(void *top, void (*function)(void *argument), void *argument);

__asm__(".text\n"
	".hidden sl_stack_switch\n"
	".globl sl_stack_switch\n"
	".type sl_stack_switch, %function\n"
	"sl_stack_switch:\n"
	".cfi_startproc\n"
	/* As between a handler and what a signal has interrupted: a debugger takes a caller's frame that is below for an error elsewhere. */
	".cfi_signal_frame\n"
#if defined(__x86_64__)
	"endbr64\n"
	"push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbp, -16\n"
	"mov %rsp, %rbp\n"
	".cfi_def_cfa_register %rbp\n"
	"mov %rdi, %rsp\n"
	"mov %rdx, %rdi\n"
	"call *%rsi\n"
	"mov %rbp, %rsp\n"
	"pop %rbp\n"
	".cfi_def_cfa %rsp, 8\n"
	"ret\n"
#elif defined(__aarch64__)
	"hint 34\n"	/* bti c */
	"stp x29, x30, [sp, -16]!\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset 29, -16\n"
	".cfi_offset 30, -8\n"
	"mov x29, sp\n"
	".cfi_def_cfa_register 29\n"
	"mov sp, x0\n"
	"mov x0, x2\n"
	"blr x1\n"
	"mov sp, x29\n"
	"ldp x29, x30, [sp], 16\n"
	".cfi_restore 30\n"
	".cfi_restore 29\n"
	".cfi_def_cfa 31, 0\n"
	"ret\n"
#else
#error "How is a function called on another stack here?"
#endif
	".cfi_endproc\n"
	".size sl_stack_switch, . - sl_stack_switch\n");

/* In no order. */
static struct sl_stack *table;
static size_t count, capacity;

#define FIRST_CAPACITY	((size_t)64)

int sl_stack_map(size_t size, struct sl_stack *stack)
{
	struct sl_stack *larger;
	int err;

	larger = sl_meta_grow(table, count, &capacity, sizeof(*table), FIRST_CAPACITY);
	if (!larger)
		return -ENOMEM;
	table = larger;
	if (size > PTRDIFF_MAX - 2 * PAGE_BYTES)
		return -ENOMEM;
	stack->length = whole_pages(size) + PAGE_BYTES;
	err = sl_region_map_stack(stack->length, &stack->start);
	if (err)
		return err;
	err = sl_region_forbid(stack->start);
	if (err) {
		sl_backend_unmap(stack->start, stack->length);
		return err;
	}
	stack->owner = pthread_self();
	table[count++] = *stack;
	return 0;
}

void sl_stack_unmap(struct sl_stack *stack)
{
	size_t at = 0;

	sl_backend_unmap(stack->start, stack->length);
	while (table[at].start != stack->start)
		at++;
	table[at] = table[--count];
}

/* Not the page below, which is of another kind. */
static void visit(const struct sl_stack *stack, sl_visitor *look, void *arg)
{
	look((char *)stack->start + PAGE_BYTES, stack->length - PAGE_BYTES, PROT_READ | PROT_WRITE, arg);
}

void sl_stack_visit(sl_visitor *look, void *arg)
{
	for (size_t i = 0; i < count; i++)
		visit(&table[i], look, arg);
}

void sl_stack_visit_others(sl_visitor *look, void *arg)
{
	for (size_t i = 0; i < count; i++)
		if (!pthread_equal(table[i].owner, pthread_self()))
			visit(&table[i], look, arg);
}

bool sl_stack_overlaps(const char *start, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (start < (char *)table[i].start + table[i].length && start + length > (char *)table[i].start)
			return true;
	return false;
}

size_t sl_stack_count(void)
{
	return count;
}

/*
 * A frame of its own. What a handler has interrupted is looked up where it goes on, not in front of that: nothing that has to be cleaned up may
 * depend on where exactly that is.
 */
__attribute__((noinline)) void sl_stack_call(const struct sl_stack *stack, void (*function)(void *argument), void *argument)
{
	sl_stack_switch((char *)stack->start + stack->length, function, argument);
	__asm__ volatile("");
}
