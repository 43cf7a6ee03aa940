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
BENCH ?=

.PHONY: bench bench-programs bench-modules
bench-programs: $(BENCH_PROGRAMS)

$(BENCH_OUT)/guest/%: bench/guest/%.c $(wildcard bench/guest/common/*.[ch]) $(wildcard bench/guest/*.h) $(LIB_STATIC)
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $(filter %.c,$^) $(LIB_STATIC) $(BENCH_LIBS_$*)

bench-modules:
	@bench/kernel/build $(KERNELS)

bench:
	@scripts/deps build vm bench
	@mkdir -p build
	@$(MAKE) --no-print-directory lib tool kernels bench-modules bench-programs >build/bench.log 2>&1 || { cat build/bench.log; exit 2; }
	@bench/run --kernels $(shell echo $(KERNELS) | tr ' ' ,) $(BENCH)
