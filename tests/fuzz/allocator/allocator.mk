# SPDX-License-Identifier: GPL-2.0-only
# The fuzzer of libsalloc. Included from the top of the tree, after tests/unit/unit.mk.
#
#	make fuzz-allocator	looks for inputs that break it, beginning with those in tests/fuzz/allocator/corpus; the same ones for the
#				same SEED (1), RUNS of them (200000). What broke it is put into tests/fuzz/allocator/broke, to be kept
#	make check-fuzz		the inputs of the corpus, and those that broke it once, with gcc; make check-unit does it too
#	make fuzz-corpus	puts in the place of the corpus the fewest of what the last fuzz-allocator found, and of what was there, that
#				reach as much of the library. Leaves those that broke it alone

FUZZ_OUT := build/tests/fuzz/allocator
FUZZ_CORPUS := tests/fuzz/allocator/corpus
# There is none before something was found.
FUZZ_BROKE := tests/fuzz/allocator/broke
FUZZ_CLANG ?= clang
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The library's variables are put back before each input, what it has of the system is watched.
FUZZ_LDFLAGS := -pthread -Wl,-T,tests/fuzz/allocator/state.ld -Wl,--wrap=sl_meta_map,--wrap=sl_meta_unmap,--wrap=sl_meta_grow,--wrap=sl_die
FUZZ_LIB := $(UNIT_CORE:%=lib/%.o)
# Addresses get into the inputs: only if they are the same each time, so are those.
FUZZ_STILL = $(shell setarch -R true 2>/dev/null && echo setarch -R)
SEED ?= 1
RUNS ?= 200000

.PHONY: fuzz-allocator fuzz-corpus check-fuzz

$(FUZZ_OUT)/gcc/lib/%.o: lib/%.c tests/fuzz/allocator/allocator.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(FUZZ_SANITIZE) -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/gcc/%.o: tests/fuzz/allocator/%.c tests/fuzz/allocator/allocator.mk lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(FUZZ_SANITIZE) -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/allocator-replay: $(addprefix $(FUZZ_OUT)/gcc/,allocator.o blocks.o pool.o replay.o $(FUZZ_LIB)) $(UNIT_OUT)/asan/obj/tap.o tests/fuzz/allocator/state.ld
	$(CC) $(LDFLAGS) $(FUZZ_SANITIZE) $(FUZZ_LDFLAGS) -o $@ $(filter %.o,$^)

check-fuzz: $(FUZZ_OUT)/allocator-replay
	$(PROVE) --exec '' $< :: $(FUZZ_CORPUS)/* $(wildcard $(FUZZ_BROKE)/*)

check-unit: check-fuzz

# The library alone tells the fuzzer where it has been.
$(FUZZ_OUT)/clang/lib/%.o: lib/%.c tests/fuzz/allocator/allocator.mk lib/lib.mk
	@mkdir -p $(@D)
	$(FUZZ_CLANG) $(LIB_CFLAGS) $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/clang/%.o: tests/fuzz/allocator/%.c tests/fuzz/allocator/allocator.mk lib/lib.mk
	@mkdir -p $(@D)
	$(FUZZ_CLANG) $(LIB_CFLAGS) $(FUZZ_SANITIZE) -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/allocator: $(addprefix $(FUZZ_OUT)/clang/,allocator.o blocks.o pool.o $(FUZZ_LIB)) tests/fuzz/allocator/state.ld
	$(FUZZ_CLANG) $(LDFLAGS) $(FUZZ_SANITIZE) -fsanitize=fuzzer $(FUZZ_LDFLAGS) -o $@ $(filter %.o,$^)

fuzz-allocator:
	@scripts/deps build fuzz
	@$(MAKE) --no-print-directory $(FUZZ_OUT)/allocator
	@rm -rf $(FUZZ_OUT)/found $(FUZZ_OUT)/broke && mkdir -p $(FUZZ_OUT)/found $(FUZZ_OUT)/broke
	$(FUZZ_STILL) $(FUZZ_OUT)/allocator -seed=$(SEED) -runs=$(RUNS) -max_len=256 -reload=0 -purge_allocator_interval=-1 -print_final_stats=1 \
		-artifact_prefix=$(FUZZ_OUT)/broke/ $(FUZZ_OUT)/found $(FUZZ_CORPUS) 2>$(FUZZ_OUT)/allocator.log || \
		{ cat $(FUZZ_OUT)/allocator.log; mkdir -p $(FUZZ_BROKE); \
		find $(FUZZ_OUT)/broke -type f ! -name 'slow-*' -exec cp -v {} $(FUZZ_BROKE) \; ; exit 1; }
	@grep -E 'INITED|DONE|^stat::' $(FUZZ_OUT)/allocator.log

fuzz-corpus: $(FUZZ_OUT)/allocator
	rm -rf $(FUZZ_OUT)/fewest && mkdir -p $(FUZZ_OUT)/fewest
	$(FUZZ_OUT)/allocator -set_cover_merge=1 -use_counters=0 $(FUZZ_OUT)/fewest $(FUZZ_CORPUS) $(FUZZ_OUT)/found
	rm -rf $(FUZZ_CORPUS) && cp -r $(FUZZ_OUT)/fewest $(FUZZ_CORPUS)

-include $(wildcard $(FUZZ_OUT)/*/*.d $(FUZZ_OUT)/*/lib/*.d)
