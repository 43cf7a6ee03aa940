# SPDX-License-Identifier: GPL-2.0-only
# The attacks, programs for the guest. Included from the top of the tree, after tests/unit/unit.mk.
#
#	make attacks		build/tests/attacks/*
#	make check-attacks	all of them in guests (KERNELS)

ATTACKS_OUT := build/tests/attacks
ATTACKS := foreign_write exemption_ends no_lock_held other_driver attach_storm
ATTACKS_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -O1 -g -pthread -D_GNU_SOURCE -Iinclude $(CFLAGS)

.PHONY: attacks
attacks: $(ATTACKS:%=$(ATTACKS_OUT)/%)

$(ATTACKS_OUT)/%: tests/attacks/%.c tests/attacks/victim.c tests/attacks/victim.h tests/unit/tap.c tests/unit/tap.h
	@mkdir -p $(@D)
	$(CC) $(ATTACKS_CFLAGS) -o $@ $(filter %.c,$^)

check-attacks: attacks
	@tests/attacks/check $(KERNELS)
.PHONY: check-attacks
