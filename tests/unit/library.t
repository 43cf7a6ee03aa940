#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The libraries, the header and the pkg-config file as a user of them sees them.
. tests/unit/tap.sh

lib=build/lib
export LD_LIBRARY_PATH=$PWD/$lib PKG_CONFIG_PATH=$PWD/$lib/pkgconfig

names="saligned_alloc salloc salloc_guard salloc_status salloc_version scalloc sfree sprotect srealloc ssize sunprotect"
pages="docs/salloc.3 docs/sprotect.3"
family="__libc_start_main aligned_alloc calloc free malloc malloc_usable_size memalign posix_memalign pvalloc realloc reallocarray valloc"

exports() {
	local seen
	seen=$(nm -D --defined-only $lib/libsalloc.so | awk '$2 == "T" { print $3 }' | sort | paste -sd' ')
	[ "$seen" = "$(printf '%s@@SALLOC_0.1 ' $names | sed 's/ $//')" ] || { echo "$seen"; return 1; }
}

static_exports() {
	local seen
	seen=$(nm $lib/libsalloc.a | awk '$2 ~ /[A-TV-Z]/ { print $3 }' | sort | paste -sd' ')
	[ "$seen" = "$names" ] || { echo "$seen"; return 1; }
}

preload_exports() {
	local seen
	seen=$(nm -D --defined-only $lib/libsalloc-preload.so | awk '{ print $3 }' | sort | paste -sd' ')
	[ "$seen" = "$family" ] || { echo "$seen"; return 1; }
}

soname() {
	objdump -p $lib/libsalloc.so | grep -Eq 'SONAME +libsalloc.so.0$' && [ "$(readlink $lib/libsalloc.so)" = libsalloc.so.0 ] &&
		[ "$(readlink $lib/libsalloc.so.0)" = libsalloc.so.0.1.0 ]
}

# Nothing of the tests' backend, no way to have one chosen: the preload library reads two variables, for something else.
pure() {
	! strings -a $lib/libsalloc.so.0.1.0 $lib/libsalloc-preload.so $lib/libsalloc.a | grep -E 'backend_test|/dev/zero' &&
		! nm -D --undefined-only $lib/libsalloc.so | grep getenv &&
		[ "$(nm -D --undefined-only $lib/libsalloc-preload.so | grep -o '[a-z_]*getenv')" = secure_getenv ] &&
		[ "$(grep -ho 'getenv("[^"]*")' lib/*.c | sort | paste -sd' ')" = 'getenv("SALLOC_GUARD") getenv("SALLOC_STACK")' ]
}

# The library must not need the malloc it replaces, nor what calls it; __libc_start_main() may, as its malloc works by then.
no_malloc() {
	! nm -D --undefined-only $lib/libsalloc.so $lib/libsalloc-preload.so | grep -wE 'malloc|calloc|realloc|free|printf|strerror' &&
		! nm --undefined-only $(printf "$lib/obj/%s.o " die meta maps region inplace pages slab heap backend salloc stack preload) | grep -w dlsym
}

program() {
	cat >"$scratch/program.$1" <<-'END'
		#include <salloc.h>
		#include <errno.h>
		#include <stdio.h>
		#include <string.h>
		int main(void)
		{
			struct salloc_status status;
			unsigned char *key = (unsigned char *)salloc(32);
			void *array = scalloc(3, 5);
			array = srealloc(array, 99);
			sfree(array);
			status.size = sizeof(status);
			if (salloc_status(&status))
				return 1;
			errno = 0;
			salloc_guard(SALLOC_GUARD_REFUSE | SALLOC_GUARD_HIDE);
			printf("%s %d %d %u %d\n", salloc_version(), key != NULL, status.error == ENOSYS, status.state,
			       errno == ENOSYS);
			sfree(key);
			return 0;
		}
	END
}

# compiles COMPILER STANDARD SUFFIX: the header, with everything that can be warned of
compiles() {
	program "$3"
	"$1" -std="$2" -Wall -Wextra -Wshadow -Wconversion -pedantic -Werror -O2 $(pkg-config --cflags salloc) \
		-o "$scratch/program" "$scratch/program.$3" $(pkg-config --libs salloc)
}

# runs_as EXPECTED COMMAND...
runs_as() {
	local wanted=$1 seen
	shift
	seen=$("$@")
	[ "$seen" = "$wanted" ] || { echo "$seen"; return 1; }
}

warns() {
	cat >"$scratch/warns.c" <<-END
		#include <salloc.h>
		#include <stdlib.h>
		int main(void) { $1 }
	END
	! cc -Wall -Werror -O2 -Iinclude -c -o /dev/null "$scratch/warns.c"
}

installed() {
	make -s -f "$scratch/Makefile" install-lib DESTDIR="$scratch/root" PREFIX=/opt/x LIBDIR=/opt/x/lib64 &&
		(cd "$scratch/root" && find . ! -type d | sort) | tee "$scratch/files" && diff "$scratch/files" - <<-END
			./opt/x/include/salloc.h
			./opt/x/lib64/libsalloc-preload.so
			./opt/x/lib64/libsalloc.a
			./opt/x/lib64/libsalloc.so
			./opt/x/lib64/libsalloc.so.0
			./opt/x/lib64/libsalloc.so.0.1.0
			./opt/x/lib64/pkgconfig/salloc.pc
			./opt/x/share/man/man3/saligned_alloc.3
			./opt/x/share/man/man3/salloc.3
			./opt/x/share/man/man3/salloc_guard.3
			./opt/x/share/man/man3/salloc_status.3
			./opt/x/share/man/man3/salloc_version.3
			./opt/x/share/man/man3/scalloc.3
			./opt/x/share/man/man3/sfree.3
			./opt/x/share/man/man3/sprotect.3
			./opt/x/share/man/man3/srealloc.3
			./opt/x/share/man/man3/ssize.3
			./opt/x/share/man/man3/sunprotect.3
		END
}

installed_works() {
	local flags
	program c
	flags=$(PKG_CONFIG_PATH=$scratch/root/opt/x/lib64/pkgconfig PKG_CONFIG_SYSROOT_DIR=$scratch/root pkg-config --cflags --libs salloc) &&
		case $flags in *"$scratch/root/opt/x/include"*"$scratch/root/opt/x/lib64"*) ;; *) echo "$flags"; return 1 ;; esac &&
		cc -o "$scratch/installed" "$scratch/program.c" $flags &&
		LD_LIBRARY_PATH=$scratch/root/opt/x/lib64 "$scratch/installed"
}

static_works() {
	program c
	cc -Iinclude -o "$scratch/static" "$scratch/program.c" $lib/libsalloc.a $(pkg-config --variable=none salloc) -pthread &&
		! ldd "$scratch/static" | grep salloc
}

# Style apart: it knows only the manuals that are installed.
lint() {
	mandoc -Tlint -Wwarning $pages
}

# Each function, and each errno, of the header is in the manual, and the other way round.
agrees() {
	local name in_header in_page
	for name in $names; do
		grep -q "^\.Fn $name" $pages || { echo "$name"; return 1; }
	done
	in_header=$(grep -oE '\bE[A-Z]{3,}\b' include/salloc.h | sort -u)
	in_page=$(grep -ohE '\bE[A-Z]{3,}\b' $pages | grep -vxE 'EXAMPLES|ENVIRONMENT|ERRORS|EFAULT' | sort -u)
	diff <(echo "$in_header" | grep -vxE 'EFAULT') <(echo "$in_page")
}

example() {	# example PAGE
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$1" | sed '/^\./d; s/\\e/\\/g' >"$scratch/example.c"
	cc -Wall -Wextra -Werror -Iinclude -o "$scratch/example" "$scratch/example.c" $lib/libsalloc.a -pthread
}

printf 'all:\ninclude lib/lib.mk\n' >"$scratch/Makefile"

ok "the shared library exports the public functions, versioned, and nothing else" exports
ok "so does the static one" static_exports
ok "the preload library exports the malloc family, where a program starts, and nothing else" preload_exports
ok "soname and links" soname
ok "nothing of the tests is in the shipped libraries, and no environment variables but SALLOC_GUARD and SALLOC_STACK are read" pure
ok "they call nothing that allocates" no_malloc
for standard in c99 c11 gnu17; do
	ok "the header in $standard" compiles cc $standard c
done
for standard in c++11 c++20; do
	ok "the header in $standard" compiles c++ $standard cc
done
if command -v clang >/dev/null; then
	ok "the header in clang, C11" compiles clang c11 c
	ok "the header in clang, C++17" compiles clang++ c++17 cc
else
	skip "the header in clang, C11" "no clang"
	skip "the header in clang, C++17" "no clang"
fi
ok "a result that is not used is warned of" warns 'salloc(1); return 0;'
ok "free() of a block from salloc() is warned of" warns 'void *p = salloc(1); free(p); return 0;'
ok "writing past the end is warned of" warns 'char *p = salloc(4); p[5] = 1; __asm__("" : : "r"(p) : "memory"); sfree(p); return 0;'
ok "install-lib: the files" installed
ok "what is installed compiles, links and runs" installed_works
ok "the static library links" static_works
if command -v mandoc >/dev/null; then
	ok "the manual: no warning" lint
else
	skip "the manual: no warning" "no mandoc"
fi
ok "the manual names the header's functions and errors" agrees
for page in $pages; do
	ok "$page: the example compiles" example $page
done
if [ -e /dev/cryptmem ]; then
	skip "without the module: ENOSYS, and salloc_status says so" "the module is here"
	skip "static, without the module: the same" "the module is here"
else
	ok "without the module: ENOSYS, and salloc_status says so" runs_as "0.1.0 0 1 0 1" "$scratch/installed"
	ok "static, without the module: the same" runs_as "0.1.0 0 1 0 1" "$scratch/static"
fi
done_testing
