# SPDX-License-Identifier: GPL-2.0-only
# The cryptmem command. To be included from the top of the tree, after lib/lib.mk.
#
#	make tool		build/bin/cryptmem
#	make install-tool	command, man pages, and the header that cryptmem(4) speaks of
#				(DESTDIR, PREFIX, BINDIR, MANDIR, INCLUDEDIR, LIBDIR)
#	make check-tool		its tests, natively, plain and under ASan and UBSan
#	make check-tool-guest	the command against the real module (KERNELS)

TOOL_VERSION := 0.1.0
TOOL_OUT := build/bin
TOOL_OBJ := build/tool
TOOL_TEST := build/tests/tool

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BINDIR ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
KERNELS ?= 6.1 6.12
PROVE ?= prove

TOOL_PAGES := docs/cryptmem.4 docs/cryptmem.7 docs/cryptmem.8
# All that does not reach into the system, and then what does.
TOOL_CORE := main status stats run check fallback module parse target util audit audit_kernel audit_machine audit_owner \
	audit_sysctl machine
TOOL_BIN := $(TOOL_OUT)/cryptmem

TOOL_JSON_CFLAGS = $(shell pkg-config --cflags json-c)
TOOL_JSON_LIBS = $(shell pkg-config --libs json-c)
TOOL_CFLAGS = -std=c11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -O2 -g -D_GNU_SOURCE \
	-D_FILE_OFFSET_BITS=64 -Itool -Iinclude -DTOOL_VERSION='"$(TOOL_VERSION)"' -DTOOL_LIBDIR='"$(LIBDIR)"' \
	$(TOOL_JSON_CFLAGS) $(CFLAGS)
TOOL_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: tool install-tool install check-tool check-tool-guest

tool: $(TOOL_BIN)

# Rebuilt when it is to look for the library elsewhere.
$(TOOL_OBJ)/libdir: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBDIR)' | cmp -s - $@ || echo '$(LIBDIR)' >$@
.PHONY: FORCE
FORCE:

$(TOOL_OBJ)/%.o: tool/%.c tool/tool.mk $(TOOL_OBJ)/libdir
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) -MMD -MP -c -o $@ $<

$(TOOL_BIN): $(TOOL_CORE:%=$(TOOL_OBJ)/%.o) $(TOOL_OBJ)/device.o
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LDFLAGS) $(TOOL_JSON_LIBS)

install-tool: tool
	install -d $(DESTDIR)$(BINDIR)
	install -m 755 $(TOOL_BIN) $(DESTDIR)$(BINDIR)
	install -D -m 644 include/uapi/cryptmem.h $(DESTDIR)$(INCLUDEDIR)/cryptmem.h
	for page in $(TOOL_PAGES); do \
		install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit; \
	done

install: install-tool

# Tests: the command with tests/fake.c in the place of device.c, and units.
$(TOOL_TEST)/obj/%.o: tool/tests/%.c tool/tool.mk
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) -MMD -MP -c -o $@ $<

$(TOOL_TEST)/asan/obj/%.o: tool/tests/%.c tool/tool.mk
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) $(TOOL_SANITIZE) -MMD -MP -c -o $@ $<

$(TOOL_TEST)/asan/obj/tool/%.o: tool/%.c tool/tool.mk
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) $(TOOL_SANITIZE) -MMD -MP -c -o $@ $<

$(TOOL_TEST)/cryptmem: $(TOOL_CORE:%=$(TOOL_OBJ)/%.o) $(TOOL_TEST)/obj/fake.o
	$(CC) -o $@ $^ $(TOOL_JSON_LIBS)

$(TOOL_TEST)/asan/cryptmem: $(TOOL_CORE:%=$(TOOL_TEST)/asan/obj/tool/%.o) $(TOOL_TEST)/asan/obj/fake.o
	$(CC) $(TOOL_SANITIZE) -o $@ $^ $(TOOL_JSON_LIBS)

$(TOOL_TEST)/units: $(TOOL_TEST)/obj/units.o $(patsubst %,$(TOOL_OBJ)/%.o,parse target util stats check module fallback) \
		$(TOOL_TEST)/obj/fake.o
	$(CC) -o $@ $^ $(TOOL_JSON_LIBS)

$(TOOL_TEST)/asan/units: $(TOOL_TEST)/asan/obj/units.o \
		$(patsubst %,$(TOOL_TEST)/asan/obj/tool/%.o,parse target util stats check module fallback) $(TOOL_TEST)/asan/obj/fake.o
	$(CC) $(TOOL_SANITIZE) -o $@ $^ $(TOOL_JSON_LIBS)

check-tool: tool $(patsubst %,$(TOOL_TEST)/%,units cryptmem asan/units asan/cryptmem)
	$(PROVE) --exec '' $(TOOL_TEST)/units $(TOOL_TEST)/asan/units tool/tests/command.t tool/tests/command-asan.t \
		tool/tests/audit.t tool/tests/audit-asan.t tool/tests/pages.t

check-tool-guest: lib tool
	PROVE='$(PROVE)' tool/tests/guests $(KERNELS)

-include $(wildcard $(TOOL_OBJ)/*.d $(TOOL_TEST)/obj/*.d $(TOOL_TEST)/asan/obj/*.d $(TOOL_TEST)/asan/obj/tool/*.d)
