# SPDX-License-Identifier: LGPL-2.1-or-later
# libsalloc: `make lib`, `make install-lib` (DESTDIR, PREFIX, LIBDIR, INCLUDEDIR, MANDIR, PYTHONDIR). To be included from the top of the tree.

LIB_VERSION := 0.1.0
LIB_SONAME := libsalloc.so.0
LIB_OUT := build/lib
OBJCOPY ?= objcopy

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
PYTHONDIR ?= $(PREFIX)/lib/python3/dist-packages

# What all of it is made of, apart from the way to the kernel: the unit tests put another backend in its place.
LIB_CORE := die meta maps resident secret locked fallback forked region guarded inplace stack pages slab heap
LIB_BACKEND := backend device
# Of those only what the public functions need.
LIB_PUBLIC := own_stack salloc harden call copied scope secure
LIB_API := $(LIB_CORE) $(LIB_BACKEND) $(LIB_PUBLIC)
LIB_PRELOAD := $(LIB_CORE) $(LIB_BACKEND) preload preload_main

LIB_CFLAGS := -std=c11 -Wall -Wextra -Werror -pedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-O2 -g -fPIC -fvisibility=hidden -fno-builtin-malloc -fno-builtin-calloc -fno-strict-aliasing -pthread \
	-Iinclude -D_GNU_SOURCE -DSALLOC_VERSION='"$(LIB_VERSION)"' $(CFLAGS)
LIB_LDFLAGS := -shared -pthread -Wl,-z,relro,-z,now,-z,nodelete,-z,defs $(LDFLAGS)

# Manual pages, and other names of them.
LIB_PAGES := salloc salloc_guarded secure sprotect
LIB_PAGES_salloc := scalloc srealloc saligned_alloc sfree ssize salloc_call salloc_fallback salloc_guard salloc_has salloc_status salloc_version
LIB_PAGES_salloc_guarded := salloc_equal salloc_noaccess salloc_ro salloc_rw salloc_zero
LIB_PAGES_secure := secure_auto secure_auto_array
LIB_PAGES_sprotect := sunprotect

LIB_SHARED := $(LIB_OUT)/libsalloc.so.$(LIB_VERSION)
LIB_STATIC := $(LIB_OUT)/libsalloc.a
LIB_PRELOAD_SO := $(LIB_OUT)/libsalloc-preload.so
# Other libraries' secure memory, for LD_PRELOAD.
LIB_DROPINS := sodium openssl gcrypt
LIB_DROPIN_SOS := $(LIB_DROPINS:%=$(LIB_OUT)/libsalloc-%.so)
LIB_PC := $(LIB_OUT)/pkgconfig/salloc.pc

lib: $(LIB_OUT)/$(LIB_SONAME) $(LIB_OUT)/libsalloc.so $(LIB_STATIC) $(LIB_PRELOAD_SO) $(LIB_DROPIN_SOS) $(LIB_PC)

$(LIB_OUT)/obj/%.o: lib/%.c lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

%/call.o %/stack.o: LIB_CFLAGS += -fexceptions

$(LIB_SHARED): $(LIB_API:%=$(LIB_OUT)/obj/%.o) lib/libsalloc.map
	$(CC) $(LIB_LDFLAGS) -Wl,-soname,$(LIB_SONAME) -Wl,--version-script=lib/libsalloc.map -o $@ $(filter %.o,$^)

$(LIB_OUT)/$(LIB_SONAME): $(LIB_SHARED)
	ln -sf $(<F) $@

$(LIB_OUT)/libsalloc.so: $(LIB_OUT)/$(LIB_SONAME)
	ln -sf $(<F) $@

# One object in which only the public names are left: the others would clash with a program's own.
$(LIB_STATIC): $(LIB_API:%=$(LIB_OUT)/obj/%.o)
	$(LD) -r --force-group-allocation -o $(LIB_OUT)/obj/all.o $^
	$(OBJCOPY) --localize-hidden $(LIB_OUT)/obj/all.o
	rm -f $@
	$(AR) rcs $@ $(LIB_OUT)/obj/all.o

$(LIB_PRELOAD_SO): $(LIB_PRELOAD:%=$(LIB_OUT)/obj/%.o)
	$(CC) $(LIB_LDFLAGS) -o $@ $^

# With the library in it, as they may be all that is preloaded; what they call of the library that they are for is the program's. The last words
# are not among what the library has for others.
$(LIB_DROPIN_SOS): $(LIB_OUT)/libsalloc-%.so: $(LIB_OUT)/obj/dropin/%.o $(LIB_OUT)/obj/die.o $(LIB_STATIC) lib/dropin/exports.map
	$(CC) -shared -pthread -Wl,-z,relro,-z,now,-z,nodelete -Wl,--version-script=lib/dropin/exports.map $(LDFLAGS) -o $@ $(filter %.o %.a,$^)

# For use where it was built: the paths in it are relative to it.
$(LIB_PC): lib/salloc.pc.in lib/lib.mk
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$${pcfiledir}/../../..|' -e 's|@INCLUDEDIR@|$${prefix}/include|' \
		-e 's|@LIBDIR@|$${prefix}/$(LIB_OUT)|' -e 's|@VERSION@|$(LIB_VERSION)|' $< > $@

install-lib: lib
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	install -m 644 include/salloc.h include/salloc.hpp include/secure.h $(DESTDIR)$(INCLUDEDIR)
	install -m 755 $(LIB_SHARED) $(LIB_PRELOAD_SO) $(LIB_DROPIN_SOS) $(DESTDIR)$(LIBDIR)
	ln -sf $(notdir $(LIB_SHARED)) $(DESTDIR)$(LIBDIR)/$(LIB_SONAME)
	ln -sf $(LIB_SONAME) $(DESTDIR)$(LIBDIR)/libsalloc.so
	install -m 644 $(LIB_STATIC) $(DESTDIR)$(LIBDIR)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@VERSION@|$(LIB_VERSION)|' lib/salloc.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/salloc.pc
	install -d $(DESTDIR)$(MANDIR)/man3
	install -m 644 $(LIB_PAGES:%=docs/%.3) $(DESTDIR)$(MANDIR)/man3
	install -D -m 644 docs/libsalloc.7 $(DESTDIR)$(MANDIR)/man7/libsalloc.7
	$(foreach page,$(LIB_PAGES),for name in $(LIB_PAGES_$(page)); do ln -sf $(page).3 $(DESTDIR)$(MANDIR)/man3/$$name.3; done;)

	install -d $(DESTDIR)$(PYTHONDIR)
	install -m 644 bindings/python/salloc.py $(DESTDIR)$(PYTHONDIR)

install: install-lib
.PHONY: lib install-lib install

-include $(wildcard $(LIB_OUT)/obj/*.d $(LIB_OUT)/obj/dropin/*.d)
