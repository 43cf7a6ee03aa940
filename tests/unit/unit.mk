# SPDX-License-Identifier: LGPL-2.1-or-later
# Unit tests of libsalloc, for a host without the module. Included from the top of the tree, after lib/lib.mk.

UNIT_OUT := build/tests/unit
UNIT_PRELOAD := $(UNIT_OUT)/libsalloc-preload-test.so
UNIT_PIC := $(filter-out backend,$(LIB_PRELOAD))

$(UNIT_OUT)/pic/%.o: tests/unit/%.c tests/unit/unit.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT_PRELOAD): $(UNIT_PIC:%=$(LIB_OUT)/obj/%.o) $(UNIT_OUT)/pic/backend_test.o
	$(CC) $(LIB_LDFLAGS) -o $@ $^
