# SPDX-License-Identifier: GPL-2.0-only
# The examples. Included from the top of the tree, after lib/lib.mk.
#
#	make examples	build/examples/*
#	make examples-java	the one in Java, which needs a JDK
EXAMPLES_OUT := build/examples
EXAMPLES := tag login token adopt pin which vault seal
EXAMPLES_FLAGS = -Wall -Wextra -Werror -pedantic -O2 -Iinclude

.PHONY: examples examples-java
examples: $(EXAMPLES:%=$(EXAMPLES_OUT)/%)

$(EXAMPLES_OUT)/tag: EXAMPLES_LIBS := -lsodium

# Of libsalloc it knows nothing.
$(EXAMPLES_OUT)/seal: examples/seal.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(EXAMPLES_FLAGS) -o $@ $< -lsodium

$(EXAMPLES_OUT)/%: examples/%.c include/salloc.h include/secure.h $(LIB_STATIC)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(EXAMPLES_FLAGS) -o $@ $< $(LIB_STATIC) $(EXAMPLES_LIBS) -pthread

$(EXAMPLES_OUT)/%: examples/%.cc include/salloc.hpp $(LIB_STATIC)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(EXAMPLES_FLAGS) -o $@ $< $(LIB_STATIC) -pthread

examples-java: java $(EXAMPLES_OUT)/Same.class
$(EXAMPLES_OUT)/Same.class: examples/Same.java $(JAVA_JAR)
	@mkdir -p $(@D)
	$(JAVAC) -Xlint:all -Werror -cp $(JAVA_JAR) -d $(@D) $<
