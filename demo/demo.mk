# SPDX-License-Identifier: GPL-2.0-only
# The programs of the demo, into build/demo/: `make -f demo/demo.mk demo-build`, from the top of the tree.

DEMO_OUT := build/demo
DEMO_CFLAGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -O2 -g \
	-Idemo $(CFLAGS)
DEMO_EXTRACT := extract_key image key needle primes ram shield watch

.PHONY: demo-build
demo-build: $(DEMO_OUT)/extract-key $(DEMO_OUT)/signer

$(DEMO_OUT)/obj/%.o: demo/%.c demo/demo.mk
	@mkdir -p $(@D)
	$(CC) $(DEMO_CFLAGS) -MMD -MP -c -o $@ $<

$(DEMO_OUT)/extract-key: $(DEMO_EXTRACT:%=$(DEMO_OUT)/obj/extract/%.o)
	$(CC) $(LDFLAGS) -o $@ $^ -lcrypto

$(DEMO_OUT)/signer: $(DEMO_OUT)/obj/signer.o $(DEMO_OUT)/obj/extract/key.o
	$(CC) $(LDFLAGS) -o $@ $^ -lcrypto

-include $(wildcard $(DEMO_OUT)/obj/*.d $(DEMO_OUT)/obj/extract/*.d)
