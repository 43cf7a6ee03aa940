# SPDX-License-Identifier: LGPL-2.1-or-later
# org.cryptmem, for Java 17 and later: `make java`, `make install-java` (JAVADIR). Included from the top of the tree, after lib/lib.mk.

JAVAC ?= javac
JAR ?= jar
JAVADIR ?= $(PREFIX)/share/java
JAVA_OUT := build/java
JAVA_JAR := $(JAVA_OUT)/salloc.jar
JAVA_SO := $(LIB_OUT)/libsalloc-java.so
JAVA_SOURCES := $(wildcard bindings/java/org/cryptmem/*.java)
# Where the JDK has its headers.
JAVA_HOME ?= $(patsubst %/bin/,%,$(dir $(realpath $(shell command -v $(JAVAC)))))

.PHONY: java install-java
java: $(JAVA_JAR) $(JAVA_SO)

$(JAVA_JAR): $(JAVA_SOURCES)
	@rm -rf $(JAVA_OUT)/classes
	@mkdir -p $(JAVA_OUT)/classes
	$(JAVAC) --release 17 -Xlint:all -Xdoclint:all/public -Werror -d $(JAVA_OUT)/classes $^
	$(JAR) --create --file $@ --date 1980-01-01T00:00:02Z -C $(JAVA_OUT)/classes .

# With the library in it, as those for LD_PRELOAD.
$(JAVA_SO): bindings/java/salloc_java.c include/salloc.h $(LIB_STATIC)
	$(CC) $(filter-out -pedantic,$(LIB_CFLAGS)) -I$(JAVA_HOME)/include -I$(JAVA_HOME)/include/linux $(LIB_LDFLAGS) \
		-Wl,--exclude-libs,ALL -o $@ $(filter %.c %.a,$^)

install-java: java
	install -D -m 644 $(JAVA_JAR) $(DESTDIR)$(JAVADIR)/salloc.jar
	install -D -m 755 $(JAVA_SO) $(DESTDIR)$(LIBDIR)/$(notdir $(JAVA_SO))
