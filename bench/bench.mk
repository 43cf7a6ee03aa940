# SPDX-License-Identifier: GPL-2.0-only
# What it costs. Included from the top of the tree.
#
#	make bench		every section: tables, build/bench.json, plots in build/bench. BENCH="--quick --write": see bench/run
#	make bench-programs	build/bench/guest/*, which run in guests
#	make bench-modules	build/bench/kernel/RELEASE/*.ko, which do too

BENCH_OUT := build/bench
BENCH_PROGRAMS := $(patsubst bench/guest/%.c,$(BENCH_OUT)/guest/%,$(wildcard bench/guest/*.c))
BENCH_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -O2 -g -pthread -D_GNU_SOURCE -Iinclude -Ibench/guest $(CFLAGS)
# What a program needs besides: BENCH_LIBS_name
BENCH_LIBS_tls_server := -lssl -lcrypto
BENCH_LIBS_tls_load := -lssl -lcrypto
BENCH_LIBS_gcm_records := -lcrypto
BENCH_LIBS_peers := -lsodium -lcrypto
BENCH_LIBS_signer := -lsodium
BENCH ?=

.PHONY: bench bench-programs bench-modules
bench-programs: $(BENCH_PROGRAMS)

$(BENCH_OUT)/guest/%: bench/guest/%.c $(wildcard bench/guest/common/*.[ch]) $(wildcard bench/guest/*.h) $(LIB_STATIC)
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@.new $(filter %.c,$^) $(LIB_STATIC) $(BENCH_LIBS_$*)
	mv $@.new $@	# a guest may be running the old one

# The ways in, on another victim: build/bench/ways/*
BENCH_WAYS := proc_mem_read core swapped_out exposed judge
bench-programs: $(BENCH_OUT)/ways/victim $(BENCH_WAYS:%=$(BENCH_OUT)/ways/%)
$(BENCH_OUT)/guest/peers: bench/guest/peers/memory.c bench/guest/peers/memory.h
$(BENCH_OUT)/ways/victim: bench/guest/peers/victim.c bench/guest/peers/memory.c bench/guest/peers/memory.h tests/attacks/ways/prey.c tests/attacks/ways/prey.h $(LIB_STATIC)
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -I. -o $@ $(filter %.c,$^) $(LIB_STATIC) $(BENCH_LIBS_peers)
$(BENCH_WAYS:%=$(BENCH_OUT)/ways/%): $(BENCH_OUT)/ways/%: $(GUEST_OUT)/ways/%
	@mkdir -p $(@D)
	cp $< $@

bench-modules:
	@bench/kernel/build $(KERNELS)

bench:
	@scripts/deps build vm bench
	@mkdir -p build
	@$(MAKE) --no-print-directory lib tool kernels bench-modules bench-programs guest-programs >build/bench.log 2>&1 || { cat build/bench.log; exit 2; }
	@bench/run --kernels $(shell echo $(KERNELS) | tr ' ' ,) $(BENCH)
