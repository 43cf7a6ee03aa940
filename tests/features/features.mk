# SPDX-License-Identifier: GPL-2.0-only
# What libsalloc has beyond its heap, in guests: programs that keep something, and someone who looks for it. Included from the top of the tree.
#
#	make check-features	on KERNELS
#	make check-dropins	other libraries' own test programs, with the drop-ins, on KERNELS. Fetches their sources

FEATURES_OUT := build/tests/features
FEATURES_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -O1 -g -pthread -D_GNU_SOURCE -Iinclude $(CFLAGS)
FEATURES_LDFLAGS = -L$(LIB_OUT) -lsalloc -pthread $(LDFLAGS)
FEATURES_COMMON := $(addprefix tests/features/,keeper.c keeper.h) tests/promises/sequence.h

.PHONY: feature-programs check-features check-dropins
# Those that are built twice: with what they keep in protected memory, and in ordinary memory.
FEATURES_TWICE := variables initial automatic automatic-c++ stack stack-c++
feature-programs: lib java $(UNIT_OUT)/fallback $(addprefix $(FEATURES_OUT)/,keep in_place guarded fallback dropins/sodium dropins/openssl dropins/gcrypt dropins/gcrypt-loaded Buffer.class plain/containers secure/containers $(FEATURES_TWICE:%=plain/%) $(FEATURES_TWICE:%=secure/%))
check-features: feature-programs
	@tests/features/run $(KERNELS)

check-dropins: lib
	@scripts/deps build vm test
	@scripts/kernel-build $(KERNELS)
	@tests/dropins/run $(KERNELS)

$(FEATURES_OUT)/keep: tests/features/keep.c tests/features/rows.c tests/features/rows.h tests/promises/look.c tests/promises/look.h tests/promises/dump.h \
		tests/promises/sequence.h
	@mkdir -p $(@D)
	$(CC) $(FEATURES_CFLAGS) -O2 -o $@ $(filter %.c,$^)

# Statically, so that it is of the memory in question what it is of.
$(FEATURES_OUT)/fallback: $(addprefix tests/features/,fallback.c keeper.c keeper.h rows.c rows.h) tests/promises/look.c $(wildcard tests/promises/*.h) \
		$(addprefix tests/attacks/,victim.c victim.h knob.c knob.h) tests/unit/tap.c $(LIB_STATIC)
	@mkdir -p $(@D)
	$(CC) $(FEATURES_CFLAGS) -O2 -o $@ $(filter %.c %.a,$^) $(LDFLAGS)

$(FEATURES_OUT)/initial_rows: tests/features/initial_rows.c $(FEATURES_COMMON)
	@mkdir -p $(@D)
	cc $(FEATURES_CFLAGS) -o $@ $<

$(FEATURES_OUT)/initial.inc: $(FEATURES_OUT)/initial_rows
	$< >$@

$(FEATURES_OUT)/keeper.o: tests/features/keeper.c $(FEATURES_COMMON)
	@mkdir -p $(@D)
	$(CC) $(FEATURES_CFLAGS) -c -o $@ $<

$(FEATURES_OUT)/%: tests/features/%.c $(FEATURES_COMMON) $(LIB_OUT)/libsalloc.so
	@mkdir -p $(@D)
	$(CC) $(FEATURES_CFLAGS) -o $@ $(filter %.c,$^) $(FEATURES_LDFLAGS)

$(FEATURES_OUT)/Buffer.class: tests/features/Buffer.java $(JAVA_JAR)
	@mkdir -p $(@D)
	$(JAVAC) -Xlint:all -Werror -cp $(JAVA_JAR) -d $(@D) $<

# Of other libraries' secure memory.
$(FEATURES_OUT)/dropins/sodium: FEATURES_DROPIN := -DSODIUM -lsodium
$(FEATURES_OUT)/dropins/openssl: FEATURES_DROPIN := -DOPENSSL -lcrypto
$(FEATURES_OUT)/dropins/gcrypt: FEATURES_DROPIN := -DGCRYPT -lgcrypt
$(FEATURES_OUT)/dropins/gcrypt-loaded: FEATURES_DROPIN := -DGCRYPT -DLOADED
$(FEATURES_OUT)/dropins/%: tests/features/dropin.c $(FEATURES_COMMON)
	@mkdir -p $(@D)
	$(CC) $(FEATURES_CFLAGS) -o $@ $(filter %.c,$^) $(FEATURES_DROPIN)

$(FEATURES_OUT)/secure/containers: FEATURES_CONTAINERS := -DPROTECTED
$(FEATURES_OUT)/plain/containers $(FEATURES_OUT)/secure/containers: tests/features/containers.cc $(FEATURES_OUT)/keeper.o include/salloc.hpp $(LIB_OUT)/libsalloc.so
	@mkdir -p $(@D)
	$(CXX) $(filter-out -std=% -Wmissing-prototypes,$(FEATURES_CFLAGS)) -std=c++17 $(FEATURES_CONTAINERS) -o $@ $< $(FEATURES_OUT)/keeper.o $(FEATURES_LDFLAGS)

# Each twice: with the storage class, and without it.
define FEATURES_RULES
$(FEATURES_OUT)/$(1)/lib%.so: tests/features/variables_library.c tests/features/variables.h include/secure.h $(LIB_OUT)/libsalloc.so
	@mkdir -p $$(@D)
	$$(CC) $$(FEATURES_CFLAGS) -DKEEP=$(2) -fPIC -shared -Wl,-Bsymbolic -o $$@ $$< -L$(LIB_OUT) -lsalloc

$(FEATURES_OUT)/$(1)/variables: tests/features/variables.c $(FEATURES_COMMON) $(FEATURES_OUT)/$(1)/liblinked.so $(FEATURES_OUT)/$(1)/libloaded.so
	$$(CC) $$(FEATURES_CFLAGS) -DKEEP=$(2) -fPIC -Wl,-rpath,'$$$$ORIGIN' -o $$@ $$(filter %.c,$$^) -L$(FEATURES_OUT)/$(1) -llinked $$(FEATURES_LDFLAGS)

$(FEATURES_OUT)/$(1)/initial: tests/features/initial.c $(FEATURES_OUT)/initial.inc $(FEATURES_COMMON) include/secure.h $(LIB_OUT)/libsalloc.so
	@mkdir -p $$(@D)
	$$(CC) $$(FEATURES_CFLAGS) -DKEEP=$(2) -I$(FEATURES_OUT) -o $$@ $$(filter %.c,$$^) $$(FEATURES_LDFLAGS)

$(addprefix $(FEATURES_OUT)/$(1)/,automatic stack): $(FEATURES_OUT)/$(1)/%: tests/features/%.c $(FEATURES_COMMON) include/secure.h $(LIB_OUT)/libsalloc.so
	@mkdir -p $$(@D)
	$$(CC) $$(FEATURES_CFLAGS) $(3) -o $$@ $$(filter %.c,$$^) $$(FEATURES_LDFLAGS)

$(FEATURES_OUT)/$(1)/%-c++: tests/features/%.c $(FEATURES_OUT)/keeper.o include/secure.h $(LIB_OUT)/libsalloc.so
	@mkdir -p $$(@D)
	$$(CXX) -x c++ $$(filter-out -std=% -Wmissing-prototypes,$$(FEATURES_CFLAGS)) $(3) -o $$@ $$< -x none $(FEATURES_OUT)/keeper.o $$(FEATURES_LDFLAGS)
endef
$(eval $(call FEATURES_RULES,plain,,))
$(eval $(call FEATURES_RULES,secure,secure,-DSECURE_NO_VARIABLES))
