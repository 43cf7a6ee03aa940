# SPDX-License-Identifier: LGPL-2.1-or-later
# Unit tests of libsalloc, for a host without the module. Included from the top of the tree, after lib/lib.mk.
#
#	make check-unit		everything below, by prove(1)
#	make check-unit-plain	the C tests against the very objects that are shipped, and the shell tests
#	make check-unit-asan	the C tests, all compiled with ASan and UBSan
#	make check-unit-valgrind	the plain C tests under memcheck, fewer rounds
#	make unit-guest		builds build/tests/unit/guest/*, for a guest with the module; UNIT_PERCENT=5 makes them short

UNIT_OUT := build/tests/unit
PROVE ?= prove
UNIT_TESTS := bits contract model aborts threads failures footprint status guard inplace scope call guarded cxx backend fallback
UNIT_SCRIPTS := tests/unit/library.t tests/unit/preload.t tests/unit/python.t tests/unit/java.t tests/unit/examples.t tests/unit/backtrace.t
# What every test but `backend` and `fallback` is linked with, and what it is not.
UNIT_CORE := $(LIB_CORE) $(LIB_PUBLIC)
UNIT_COMMON := tap backend_test
UNIT_PRELOAD := $(UNIT_OUT)/libsalloc-preload-test.so

UNIT_CXXFLAGS := $(filter-out -std=% -Wstrict-prototypes -Wmissing-prototypes,$(LIB_CFLAGS)) -std=c++17 -Wconversion

UNIT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_VALGRIND := valgrind -q --error-exitcode=99 --child-silent-after-fork=yes

.PHONY: unit-guest check-unit check-unit-plain check-unit-asan check-unit-valgrind

check-unit: check-unit-plain check-unit-asan check-unit-valgrind

check-unit-plain: $(UNIT_TESTS:%=$(UNIT_OUT)/%) $(UNIT_PRELOAD) $(UNIT_OUT)/java/Buffers.class $(UNIT_OUT)/backtrace lib java examples examples-java
	$(PROVE) --exec '' $(UNIT_TESTS:%=$(UNIT_OUT)/%) $(UNIT_SCRIPTS)

check-unit-asan: $(UNIT_TESTS:%=$(UNIT_OUT)/asan/%)
	UNIT_PERCENT=25 $(PROVE) --exec '' $^

# Under valgrind, what is mapped where is not what the kernel says, a program cannot start itself anew, and pages that may not be touched can.
check-unit-valgrind: $(filter-out %/inplace %/fallback %/guarded,$(UNIT_TESTS:%=$(UNIT_OUT)/%))
	UNIT_PERCENT=3 $(PROVE) --exec '$(UNIT_VALGRIND)' $^

$(UNIT_OUT)/obj/%.o: tests/unit/%.c tests/unit/unit.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT_OUT)/asan/obj/%.o: tests/unit/%.c tests/unit/unit.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(UNIT_SANITIZE) -MMD -MP -c -o $@ $<

$(UNIT_OUT)/asan/obj/lib/%.o: lib/%.c tests/unit/unit.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(UNIT_SANITIZE) -MMD -MP -c -o $@ $<

$(UNIT_OUT)/java/Buffers.class: tests/unit/java/Buffers.java $(JAVA_JAR)
	$(JAVAC) -Xlint:all -Werror -cp $(JAVA_JAR) -d $(@D) $<

$(UNIT_OUT)/obj/%.o: tests/unit/%.cc tests/unit/unit.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CXX) $(UNIT_CXXFLAGS) -MMD -MP -c -o $@ $<

$(UNIT_OUT)/asan/obj/%.o: tests/unit/%.cc tests/unit/unit.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CXX) $(UNIT_CXXFLAGS) $(UNIT_SANITIZE) -MMD -MP -c -o $@ $<

$(UNIT_OUT)/cxx $(UNIT_OUT)/asan/cxx: CC = $(CXX)

# Tests that need nothing of the test backend, with the library as it is shipped: for a guest with the module.
UNIT_GUEST := model threads

unit-guest: $(UNIT_GUEST:%=$(UNIT_OUT)/guest/%)

$(UNIT_OUT)/guest/%: $(UNIT_OUT)/obj/%.o $(UNIT_OUT)/obj/tap.o $(LIB_STATIC)
	@mkdir -p $(@D)
	$(CC) -pthread $(LDFLAGS) -o $@ $^

$(UNIT_OUT)/backend $(UNIT_OUT)/asan/backend: UNIT_WRAP := -Wl,--wrap=syscall,--wrap=ioctl,--wrap=mmap,--wrap=munmap

$(UNIT_OUT)/backend: $(UNIT_OUT)/obj/backend.o $(UNIT_OUT)/obj/tap.o $(LIB_API:%=$(LIB_OUT)/obj/%.o)
	$(CC) -pthread $(LDFLAGS) $(UNIT_WRAP) -o $@ $^

$(UNIT_OUT)/asan/backend: $(addprefix $(UNIT_OUT)/asan/obj/,backend.o tap.o $(LIB_API:%=lib/%.o))
	$(CC) -pthread $(LDFLAGS) $(UNIT_SANITIZE) $(UNIT_WRAP) -o $@ $^

# With the library as it is.
$(UNIT_OUT)/backtrace: $(UNIT_OUT)/obj/backtrace.o $(LIB_STATIC)
	$(CC) -pthread $(LDFLAGS) -o $@ $^

$(UNIT_OUT)/fallback $(UNIT_OUT)/asan/fallback: UNIT_WRAP := -Wl,--wrap=syscall

$(UNIT_OUT)/fallback: $(UNIT_OUT)/obj/fallback.o $(UNIT_OUT)/obj/fallback_fork.o $(UNIT_OUT)/obj/fallback_stale.o $(UNIT_OUT)/obj/tap.o $(LIB_STATIC)
	$(CC) -pthread $(LDFLAGS) $(UNIT_WRAP) -o $@ $^

$(UNIT_OUT)/asan/fallback: $(addprefix $(UNIT_OUT)/asan/obj/,fallback.o fallback_fork.o fallback_stale.o tap.o $(LIB_API:%=lib/%.o))
	$(CC) -pthread $(LDFLAGS) $(UNIT_SANITIZE) $(UNIT_WRAP) -o $@ $^

$(UNIT_OUT)/%: $(UNIT_OUT)/obj/%.o $(UNIT_COMMON:%=$(UNIT_OUT)/obj/%.o) $(UNIT_CORE:%=$(LIB_OUT)/obj/%.o)
	$(CC) -pthread $(LDFLAGS) $(UNIT_WRAP) -o $@ $^

$(UNIT_OUT)/asan/%: $(UNIT_OUT)/asan/obj/%.o $(UNIT_COMMON:%=$(UNIT_OUT)/asan/obj/%.o) \
		$(UNIT_CORE:%=$(UNIT_OUT)/asan/obj/lib/%.o)
	$(CC) -pthread $(LDFLAGS) $(UNIT_SANITIZE) $(UNIT_WRAP) -o $@ $^

# The preload library as it is shipped, but for the backend.
$(UNIT_PRELOAD): $(filter-out $(LIB_BACKEND:%=$(LIB_OUT)/obj/%.o),$(LIB_PRELOAD:%=$(LIB_OUT)/obj/%.o)) $(UNIT_OUT)/obj/backend_test.o
	$(CC) $(LIB_LDFLAGS) -o $@ $^

.SECONDARY:
-include $(wildcard $(UNIT_OUT)/obj/*.d $(UNIT_OUT)/asan/obj/*.d $(UNIT_OUT)/asan/obj/lib/*.d)
