# SPDX-License-Identifier: GPL-2.0-only
# Programs for the guest: the promises, and the attacks. Included from the top of the tree.
#
#	make guest-programs	build/tests/promises/* and build/tests/attacks/*
#	make check-promises	all of them in guests (KERNELS), and what has to be done from the host
#	make attacks		the ways in, against three kinds of memory: a table
#	make check-arm64	all that for arm64, built and run with what is needed for that

GUEST_OUT := build/tests
GUEST_PROMISES := p1_expiry p1_grace p2_outsiders p2_descriptors p2_pinning p2_smp p2_stack p2_settled p3_begun p3_debugger p3_frames p3_handler p3_log p3_policy p3_tracers p3_unchecked p3_uprobes p4_contents p4_fork p4_killed p4_memory p4_tasks p5_p6_p7 p5_hibernation abi \
	own_doing growth
GUEST_ATTACKS := busy_region event_size foreign_write exemption_ends no_lock_held other_driver attach_storm hostile_abi hostile_race held_up not_a_frame stays_locked not_alone two_changers unload unload_in_use watch_storm
GUEST_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -O1 -g -pthread -D_GNU_SOURCE -DLIB_OUT='"$(LIB_OUT)"' -Iinclude $(CFLAGS)
GUEST_COMMON := $(addprefix tests/attacks/,knob.c knob.h module.c module.h victim.c victim.h ring.c ring.h bystander.c bystander.h machine.h) tests/unit/tap.c tests/unit/tap.h

# The ways in that are C programs, and what all of them need.
GUEST_WAYS := $(filter-out prey tracer victim judge,$(basename $(notdir $(wildcard tests/attacks/ways/*.c))))
GUEST_WAYS_COMMON := $(addprefix tests/attacks/ways/,prey.c prey.h tracer.c tracer.h) $(addprefix tests/attacks/,knob.c knob.h machine.h)

# $(call BUILT,NAME,TARGET...): what NAME needs, by a make of its own: a new machine may lack the compiler until NAME has asked scripts/deps for it.
define BUILT
@mkdir -p build
@$(MAKE) --no-print-directory $(2) >build/$(1).log 2>&1 || { cat build/$(1).log; exit 2; }
endef

.PHONY: guest-programs check-promises attacks
guest-programs: $(addprefix $(GUEST_OUT)/ways/,victim judge $(GUEST_WAYS))
guest-programs: $(addprefix $(GUEST_OUT)/promises-host/,sleeper suspender scan keyscan postmortem.cpio swapped tampered)
guest-programs: $(GUEST_PROMISES:%=$(GUEST_OUT)/promises/%) $(GUEST_ATTACKS:%=$(GUEST_OUT)/attacks/%)

define GUEST_RULE
$(GUEST_OUT)/$(1)/%: tests/$(1)/%.c $(GUEST_COMMON)
	@mkdir -p $$(@D)
	$$(CC) $$(GUEST_CFLAGS) -o $$@ $$(filter %.c,$$^)
endef
$(eval $(call GUEST_RULE,promises))
$(eval $(call GUEST_RULE,attacks))

# Driven from the host: tests/promises/ram, tests/promises/crash, tests/promises/suspend, tests/promises/swap.
$(GUEST_OUT)/promises-host/%: tests/promises/%.c tests/promises/sequence.h tests/promises/look.h tests/promises/dump.h $(GUEST_COMMON)
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -O2 -o $@ $(filter %.c %.a,$^)
$(GUEST_OUT)/promises-host/sleeper: $(LIB_STATIC)
$(addprefix $(GUEST_OUT)/promises-host/,sleeper scan keyscan postmortem): tests/promises/look.c
# There is no library where they run.
$(addprefix $(GUEST_OUT)/promises-host/,postmortem suspender): GUEST_CFLAGS += -static
$(GUEST_OUT)/promises-host/postmortem.cpio: $(GUEST_OUT)/promises-host/postmortem tests/vm/initramfs.py
	PYTHONPATH=tests/vm python3 -B -c 'import sys, initramfs; sys.stdout.buffer.write(initramfs.archive( \
		{"proc": None, "init": open(sys.argv[1], "rb").read()}))' $< >$@

$(GUEST_OUT)/ways/%: tests/attacks/ways/%.c $(GUEST_WAYS_COMMON)
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -o $@ $(filter %.c,$^)

$(GUEST_OUT)/ways/victim: tests/attacks/ways/victim.c $(GUEST_WAYS_COMMON) lib
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -o $@ $(filter %.c,$^) $(LIB_STATIC)

# The same for another machine, below build/arm64: `make guest-programs-arm64`, and what runs there on ARM64_KERNELS.
ARM64_KERNELS ?= 6.1-arm64 6.12-arm64
ARM64_MAKE := $(MAKE) --no-print-directory GUEST_OUT=build/arm64/tests LIB_OUT=build/arm64/lib \
	$(foreach tool,CC=gcc LD=ld AR=ar OBJCOPY=objcopy,$(subst =,=aarch64-linux-gnu-,$(tool)))
.PHONY: guest-programs-arm64 check-arm64
guest-programs-arm64:
	$(ARM64_MAKE) guest-programs

check-arm64:
	@scripts/deps build vm arm64
	@mkdir -p build
	@{ scripts/kernel-build $(ARM64_KERNELS) && $(MAKE) --no-print-directory guest-programs-arm64 build/tests/promises-host/scan; } \
		>build/arm64.log 2>&1 || \
		{ cat build/arm64.log; exit 2; }
	@tests/attacks/check-arm64 $(ARM64_KERNELS)

attacks: guest-programs kernels
	@tests/attacks/matrix $(KERNELS)

check-promises: guest-programs
	@tests/attacks/check $(KERNELS)

# The same where memory cannot be had, and on kernels that watch themselves: scripts/kernel-debug.
#
#	make check-debug	on DEBUG_KERNELS. Hours
DEBUG_KERNELS ?= 6.1-debug 6.12-debug 6.1-kcsan 6.12-kcsan
FAULTS_COMMON := tests/faults/log.c tests/faults/log.h $(GUEST_COMMON)
.PHONY: check-debug
guest-programs: $(addprefix $(GUEST_OUT)/faults/,faults load)
$(GUEST_OUT)/faults/faults: $(addprefix tests/faults/,faults.c scenarios.c world.c world.h) $(FAULTS_COMMON)
$(GUEST_OUT)/faults/load: tests/faults/load.c $(FAULTS_COMMON)
$(GUEST_OUT)/faults/%:
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -o $@ $(filter %.c,$^)

check-debug:
	@scripts/deps build vm test debug
	$(call BUILT,check-debug,lib guest-programs)
	@scripts/kernel-build $(DEBUG_KERNELS)
	@tests/debug/check $(DEBUG_KERNELS)

# Every stock kernel there is: a table.
MATRIX_KERNELS ?= 6.1 6.1-amd64 6.1-rt 6.12 6.12-amd64 6.12-rt 6.1-arm64 6.12-arm64
.PHONY: matrix
matrix:
	@scripts/deps build vm test $(if $(filter %-arm64,$(MATRIX_KERNELS)),arm64)
	$(call BUILT,matrix,lib guest-programs $(if $(filter %-arm64,$(MATRIX_KERNELS)),guest-programs-arm64))
	@scripts/kernel-build $(MATRIX_KERNELS)
	@tests/attacks/kernels $(MATRIX_KERNELS)

# A fuzzer over what a program can ask of regions, and stress.
.PHONY: fuzz stress
guest-programs: $(GUEST_OUT)/fuzz/syscalls $(GUEST_OUT)/stress/stress
$(GUEST_OUT)/fuzz/syscalls: $(wildcard tests/fuzz/*.[ch]) tests/unit/tap.c tests/unit/tap.h
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -o $@ $(filter %.c,$^)
# What make check does of both.
$(GUEST_OUT)/fuzz/corpus: tests/fuzz/corpus
	@mkdir -p $(@D)
	{ printf '#!/bin/sh\nexec "$$(dirname "$$0")/syscalls" 1-5 '; sed 's/#.*//' $< | tr '\n' ' '; echo; } >$@
	chmod +x $@
guest-programs: $(GUEST_OUT)/fuzz/corpus
$(GUEST_OUT)/stress/stress: $(wildcard tests/stress/*.[ch]) $(GUEST_COMMON)
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -o $@ $(filter %.c,$^)

fuzz:
	@scripts/deps build vm test fuzz
	$(call BUILT,fuzz,guest-programs)
	@scripts/kernel-build $(KERNELS)
	@$(MAKE) --no-print-directory fuzz-allocator
	@tests/fuzz/run $(KERNELS)

# The generic kernels can rehearse suspend.
STRESS_KERNELS ?= 6.1 6.12 6.1-amd64 6.12-amd64
stress:
	@scripts/deps build vm test
	$(call BUILT,stress,guest-programs)
	@scripts/kernel-build $(STRESS_KERNELS)
	@tests/stress/run $(STRESS_KERNELS)
