// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keeper of initial values. They are in its file, and so in the page cache, from where keep has it put out: what is left are copies that
 * were made of them in memory. initial.inc has the rows, made by initial_rows.
 */
#include <secure.h>

#include "keeper.h"

KEEP static volatile unsigned int initial[KEEPER_WORDS] = {
#ifndef __clang_analyzer__	/* which may look before it has been made */
#include "initial.inc"
#endif
};
/* So that the page is one of the process's own before it is protected. */
KEEP static void *self = &self;

int main(void)
{
	keeper_expect(keeper_intact(initial, 0) && self == &self, "initial values");
	keeper_wait();
	keeper_expect(keeper_intact(initial, 0), "contents");
	return 0;
}
