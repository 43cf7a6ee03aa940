# SPDX-License-Identifier: GPL-2.0-only
# cryptmem. The targets for people:
#
#	make		the library, the command, and the module for the kernels of the tests
#	make demo	an ssh-agent loses its key to root, and one that keeps it	(root; installs what it needs)
#	make check	all that runs for each change; ends in `N passed, N failed`	(root; installs what it needs)
#	make check-arm64	the promises and the attacks on arm64, emulated			(root; installs what it needs)
#	make attacks	the ways in, against malloc, memfd_secret and salloc: a table	(root; after make check)
#	make bench	what it costs: tables, plots, build/bench.json	(root; installs what it needs; an hour)
#	make check-debug, make fuzz, make stress, make matrix, make check-dropins	what takes hours: docs/testing.md
#	make module	the module for the running kernel, or for the headers in KDIR=
#	make install	library, command, headers, man pages; module-install: the module too
#	make style	the kernel's checkpatch --strict, sparse, W=1; and scripts/analyze: coccinelle, gcc -fanalyzer, clang-tidy
#	make fuzz-allocator	random calls of the library, led by what they reach in it; SEED, RUNS	(root: installs what it needs)
#	make clean

KERNELS ?= 6.1 6.12
KDIR ?= /lib/modules/$(shell uname -r)/build

all: lib tool kernels
.PHONY: all kernels module module-install demo check style clean

include lib/lib.mk
include tool/tool.mk
include bindings/java/java.mk
include demo/demo.mk
include tests/unit/unit.mk
include tests/fuzz/allocator/allocator.mk
include tests/attacks/attacks.mk
include examples/examples.mk
include tests/features/features.mk
include bench/bench.mk

kernels:
	scripts/kernel-build $(KERNELS)

module:
	scripts/kernel-build $(KDIR)

module-install: module
	$(MAKE) -C $(KDIR) M=$$(readlink -f build/module) modules_install

demo:
	@scripts/deps build vm demo
	@mkdir -p build
	@$(MAKE) --no-print-directory lib tool demo-build kernels >build/demo.log 2>&1 || { cat build/demo.log; exit 2; }
	@demo/run $(KERNELS)

check:
	@scripts/check $(KERNELS)

style:
	@scripts/deps build vm test analyze
	scripts/style
	scripts/analyze

clean:
	rm -rf build
