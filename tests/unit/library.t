#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The libraries, the header and the pkg-config file as a user of them sees them.
. tests/unit/tap.sh

lib=build/lib
export LD_LIBRARY_PATH=$PWD/$lib PKG_CONFIG_PATH=$PWD/$lib/pkgconfig

names="saligned_alloc salloc salloc_call salloc_equal salloc_fallback salloc_guard salloc_guarded salloc_has salloc_noaccess salloc_ro salloc_rw salloc_status salloc_version salloc_zero scalloc sfree sprotect srealloc ssize sunprotect"
# What the macros of secure.h call.
inner="salloc_scope_enter salloc_scope_leave salloc_secure_variables"
macros="secure_auto secure_auto_array"
pages="docs/salloc.3 docs/salloc_guarded.3 docs/secure.3 docs/sprotect.3"
family="__libc_start_main aligned_alloc calloc free malloc malloc_usable_size memalign posix_memalign pvalloc realloc reallocarray valloc"

exports() {
	local seen
	seen=$(nm -D --defined-only $lib/libsalloc.so | awk '$2 == "T" { print $3 }' | sort | paste -sd' ')
	[ "$seen" = "$(printf '%s@@SALLOC_0.1\n' $names $inner | sort | paste -sd' ')" ] || { echo "$seen"; return 1; }
}

static_exports() {
	local seen
	seen=$(nm $lib/libsalloc.a | awk 'NF == 3 && $2 ~ /[A-TV-Z]/ { print $3 }' | sort | paste -sd' ')
	[ "$seen" = "$(printf '%s\n' $names $inner | sort | paste -sd' ')" ] || { echo "$seen"; return 1; }
}

preload_exports() {
	local seen
	seen=$(nm -D --defined-only $lib/libsalloc-preload.so | awk '{ print $3 }' | sort | paste -sd' ')
	[ "$seen" = "$family" ] || { echo "$seen"; return 1; }
}

# What they take the place of, of the libraries that they are for, and nothing else: but for that of libgcrypt, which is called.
dropin_exports() {
	local library names
	for library in sodium openssl gcrypt; do
		LD_PRELOAD=$lib/libsalloc-$library.so true || return
		case $library in sodium) names='sodium_(malloc|allocarray|free|mprotect_(noaccess|readonly|readwrite))' ;; openssl) names='CRYPTO_secure_[a-z_]+' ;; gcrypt) names=none ;; esac
		! nm -D --defined-only $lib/libsalloc-$library.so | awk '{ print $3 }' | grep -vxE "$names" || return
	done
	diff <(nm -D --defined-only $lib/libsalloc-openssl.so | awk '{ print $3 }') \
		<(nm -D --defined-only "$(cc -print-file-name=libcrypto.so.3)" | sed -n 's/.* \(CRYPTO_secure_[a-z_]*\)@@.*/\1/p' | sort)
}

soname() {
	objdump -p $lib/libsalloc.so | grep -Eq 'SONAME +libsalloc.so.0$' && [ "$(readlink $lib/libsalloc.so)" = libsalloc.so.0 ] &&
		[ "$(readlink $lib/libsalloc.so.0)" = libsalloc.so.0.1.0 ]
}

# Nothing of the tests' backend, no way to have that one chosen, and no say for who gains something by running a program.
pure() {
	local library
	! strings -a $lib/libsalloc.so.0.1.0 $lib/libsalloc-preload.so $lib/libsalloc.a | grep -E 'backend_test|/dev/zero' || return
	for library in libsalloc libsalloc-preload; do
		[ "$(nm -D --undefined-only $lib/$library.so | grep -o '[a-z_]*getenv')" = secure_getenv ] || return
	done
	[ "$(grep -hoE '\bget(env)?\("[^"]*"\)|secure_getenv\("[^"]*"\)' lib/*.c | grep -o '"[^"]*"' | sort | paste -sd' ')" = \
		'"SALLOC_FALLBACK" "SALLOC_GUARD" "SALLOC_REQUIRE" "SALLOC_STACK"' ]
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

secure_program() {
	cat >"$scratch/secure.$1" <<-'END'
		#include <secure.h>
		struct creds { const char *user; int id; };
		extern secure int counter;
		secure int counter = 3;
		secure static unsigned char key[32];
		static secure struct creds known = { "root", 0 };
		static int work(size_t n)
		{
			secure static int calls;
			secure_auto(struct creds, mine);
			secure_auto_array(unsigned char, bytes, n);
			SALLOC_SECURE_AUTO(int, one);
			if (!mine || !bytes || !one)
				return -1;
			*mine = known;
			bytes[0] = key[0];
			return mine->id + bytes[0] + *one + calls++;
		}
		int main(void)
		{
			return work(5) + counter == 3 ? 0 : 1;
		}
	END
}

# compiles COMPILER STANDARD SUFFIX: the header, with everything that can be warned of
compiles() {
	local what
	program "$3"
	secure_program "$3"
	for what in program secure; do
		"$1" -std="$2" -Wall -Wextra -Wshadow -Wconversion -pedantic -Werror -O2 $(pkg-config --cflags salloc) \
			-o "$scratch/$what" "$scratch/$what.$3" $(pkg-config --libs salloc) || return
	done
}

# hpp COMPILER STANDARD
hpp() {
	"$1" -std="$2" -Wall -Wextra -Wshadow -Wconversion -pedantic -Werror -O2 -Iinclude -fsyntax-only tests/unit/cxx.cc
}

# Nothing else is in the pages of secure variables, whoever links them.
alone() {	# alone COMPILER OPTION...
	secure_program c
	printf '#include <secure.h>\nsecure int another = 1;\n' >"$scratch/another.c"
	cat >"$scratch/alone.py" <<-'END'
		import re, sys
		rows = [line[6:].split() for line in sys.stdin if re.match(r" +\[ *[1-9]", line)]
		spans = {row[0]: range(int(row[2], 16), int(row[2], 16) + int(row[4], 16)) for row in rows if "A" in row[6] and "T" not in row[6]}
		ours = spans["salloc_secure"]
		first, last = ours[0] // 4096, ours[-1] // 4096
		sys.exit(", ".join(name for name, span in spans.items() if not name.startswith("salloc_secure") and span
		                   and span[0] // 4096 <= last and span[-1] // 4096 >= first) or 0)
	END
	"$@" $(pkg-config --cflags salloc) -o "$scratch/alone" "$scratch/secure.c" "$scratch/another.c" $lib/libsalloc.a -pthread &&
		readelf -SW "$scratch/alone" | /usr/bin/python3 "$scratch/alone.py"
}

# With what it says itself, and with what the environment says.
makes_do() {
	secure_program c
	cc $(pkg-config --cflags salloc) -DSECURE_FALLBACK=SALLOC_FALLBACK_LOCKED -o "$scratch/less" "$scratch/secure.c" $(pkg-config --libs salloc) &&
		"$scratch/less" && ! SALLOC_REQUIRE=kernel "$scratch/less" && SALLOC_FALLBACK=locked "$scratch/secure"
}

# One that is used in one function only stays where it is.
kept() {	# kept COMPILER OPTION...
	printf '#include <secure.h>\n#include <unistd.h>\nsecure static long pin;\nint main(int argc, char **argv)\n{ (void)argv; pin = argc * 7; sleep(1); return (int)pin; }\n' >"$scratch/kept.c"
	"$@" $(pkg-config --cflags salloc) -o "$scratch/kept" "$scratch/kept.c" -L$lib -lsalloc &&
		nm "$scratch/kept" | grep -wE "(_ZL3)?pin"
}

# A program must not have copies of a library's secure variables: it is told at its start.
copied() {
	local what=$1
	shift
	# There was another of that name once, in an older version of the library.
	printf '#include <secure.h>\nint older = 2;\n__asm__(".symver older, shared@V1");\nsecure int newer = 1;\n__asm__(".symver newer, shared@@V2");\n' \
		>"$scratch/library.c"
	printf 'V1 { };\nV2 { } V1;\n' >"$scratch/library.map"
	printf 'extern __attribute__((section("salloc_secure"))) int shared;\nint main(void) { return shared; }\n' >"$scratch/user.c"
	cc $(pkg-config --cflags salloc) -shared -fPIC $what -Wl,--version-script="$scratch/library.map" -o "$scratch/libshared.so" "$scratch/library.c" -L$lib -lsalloc &&
		cc "$@" -o "$scratch/user" "$scratch/user.c" -L"$scratch" -lshared -L$lib -lsalloc &&
		LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$scratch aborts_with "$wanted" "$scratch/user"
}

aborts_with() {	# aborts_with LINE COMMAND...
	local wanted=$1 seen
	shift
	seen=$("$@" 2>&1)
	[ $? = 134 ] && [ "$seen" = "$wanted" ] || { echo "$seen"; return 1; }
}

not_variable() {	# not_variable DECLARATION: the compiler refuses it
	printf '#include <secure.h>\nsecure static int right;\n%s\n' "$1" >"$scratch/wrong.c"
	! cc -Iinclude -c -o "$scratch/wrong.o" "$scratch/wrong.c"
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
			./opt/x/include/salloc.hpp
			./opt/x/include/secure.h
			./opt/x/lib/python3/dist-packages/salloc.py
			./opt/x/lib64/libsalloc-gcrypt.so
			./opt/x/lib64/libsalloc-openssl.so
			./opt/x/lib64/libsalloc-preload.so
			./opt/x/lib64/libsalloc-sodium.so
			./opt/x/lib64/libsalloc.a
			./opt/x/lib64/libsalloc.so
			./opt/x/lib64/libsalloc.so.0
			./opt/x/lib64/libsalloc.so.0.1.0
			./opt/x/lib64/pkgconfig/salloc.pc
			./opt/x/share/man/man3/saligned_alloc.3
			./opt/x/share/man/man3/salloc.3
			./opt/x/share/man/man3/salloc_call.3
			./opt/x/share/man/man3/salloc_equal.3
			./opt/x/share/man/man3/salloc_fallback.3
			./opt/x/share/man/man3/salloc_guard.3
			./opt/x/share/man/man3/salloc_guarded.3
			./opt/x/share/man/man3/salloc_has.3
			./opt/x/share/man/man3/salloc_noaccess.3
			./opt/x/share/man/man3/salloc_ro.3
			./opt/x/share/man/man3/salloc_rw.3
			./opt/x/share/man/man3/salloc_status.3
			./opt/x/share/man/man3/salloc_version.3
			./opt/x/share/man/man3/salloc_zero.3
			./opt/x/share/man/man3/scalloc.3
			./opt/x/share/man/man3/secure.3
			./opt/x/share/man/man3/secure_auto.3
			./opt/x/share/man/man3/secure_auto_array.3
			./opt/x/share/man/man3/sfree.3
			./opt/x/share/man/man3/sprotect.3
			./opt/x/share/man/man3/srealloc.3
			./opt/x/share/man/man3/ssize.3
			./opt/x/share/man/man3/sunprotect.3
			./opt/x/share/man/man7/libsalloc.7
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
	mandoc -Tlint -Wwarning $pages docs/libsalloc.7
}

# Each function, and each errno, of the header is in the manual, and the other way round.
agrees() {
	local name in_header in_page
	for name in $names $macros; do
		grep -q "^\.Fn $name" $pages || { echo "$name"; return 1; }
	done
	in_header=$(grep -ohE '\bE[A-Z]{3,}\b' include/salloc.h include/secure.h | sort -u)
	in_page=$(grep -ohE '\bE[A-Z]{3,}\b' $pages | grep -vxE 'EXAMPLES|ENVIRONMENT|ERRORS|EFAULT' | sort -u)
	diff <(echo "$in_header" | grep -vxE 'EFAULT') <(echo "$in_page")
}

example() {	# example PAGE
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$1" | sed '/^\./d; s/\\e/\\/g' >"$scratch/example.c"
	cc -Wall -Wextra -Werror -Iinclude -o "$scratch/example" "$scratch/example.c" $lib/libsalloc.a -pthread
}

printf 'all:\ninclude lib/lib.mk\n' >"$scratch/Makefile"

# An exception goes through salloc_call(), and the stack is given back.
cat >"$scratch/thrown.cc" <<-'END'
	#include <salloc.h>
	#include <stdexcept>
	static struct salloc_status now() { struct salloc_status s = {}; s.size = sizeof(s); salloc_status(&s); return s; }
	static void thrower(void *) { throw std::runtime_error("thrown"); }
	int main()
	{
		if (salloc_fallback(SALLOC_FALLBACK_LOCKED | SALLOC_FALLBACK_SECRET) || !salloc(1))
			return 2;
		const auto before = now();
		try {
			salloc_call(65536, thrower, nullptr);
		} catch (const std::exception &) {
			return now().left != before.left || now().used != before.used;
		}
		return 3;
	}
END

thrown_lto() {
	make -s -f "$scratch/Makefile" LIB_OUT="$scratch/lto" CFLAGS=-flto "$scratch/lto/libsalloc.so" &&
		g++ -Iinclude -o "$scratch/thrown" "$scratch/thrown.cc" -L"$scratch/lto" -lsalloc && LD_LIBRARY_PATH=$scratch/lto "$scratch/thrown"
}

thrown_static() {
	g++ -O2 "$@" -Iinclude -o "$scratch/thrown" "$scratch/thrown.cc" $lib/libsalloc.a -pthread && "$scratch/thrown"
}

ok "the shared library exports the public functions, versioned, and nothing else" exports
ok "so does the static one" static_exports
ok "the preload library exports the malloc family, where a program starts, and nothing else" preload_exports
ok "the drop-ins export what they take the place of, all of it, and nothing else, and leave other programs alone" dropin_exports
ok "soname and links" soname
ok "nothing of the tests is in the shipped libraries, and four environment variables are read, securely" pure
ok "they call nothing that allocates" no_malloc
for standard in c99 c11 gnu17; do
	ok "the header in $standard" compiles cc $standard c
done
for standard in c++11 c++20; do
	ok "the header in $standard" compiles c++ $standard cc
done
for standard in c++11 c++14 c++20; do
	ok "salloc.hpp in $standard" hpp c++ $standard
done
if command -v clang >/dev/null; then
	ok "salloc.hpp in clang, C++17" hpp clang++ c++17
	ok "the header in clang, C11" compiles clang c11 c
	ok "the header in clang, C++17" compiles clang++ c++17 cc
else
	skip "salloc.hpp in clang, C++17" "no clang"
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
for linker in bfd gold lld; do
	if command -v ld.$linker >/dev/null; then
		ok "$linker: nothing else is in the pages of secure variables" alone cc -fuse-ld=$linker
		ok "$linker: the same with --gc-sections" alone cc -fuse-ld=$linker -ffunction-sections -fdata-sections -Wl,--gc-sections
	else
		skip "$linker: nothing else is in the pages of secure variables" "no ld.$linker"
		skip "$linker: the same with --gc-sections" "no ld.$linker"
	fi
done
ok "the same in a static program" alone cc -static
ok "and with -flto" alone cc -flto -O2
ok "exceptions go through salloc_call(), in a library made with -flto" thrown_lto
ok "and in a program with libsalloc.a" thrown_static
ok "that is made with -flto" thrown_static -flto
ok "an optimizer leaves them there" kept cc -O3
if command -v clang >/dev/null; then
	ok "that of clang, too" kept clang++ -x c++ -O3
else
	skip "that of clang, too" "no clang"
fi
ok "an automatic variable cannot be \`secure\`" not_variable 'int f(void) { secure int x = 1; return x; }'
ok "nor one for each thread" not_variable 'secure static __thread int x;'
ok "nor one that is const" not_variable 'secure static const int x = 1; const int *f(void) { return &x; }'
wanted="libsalloc: the program has a copy of a secure variable, compile it with -fPIC: shared"
ok "a program with a copy of a library's secure variable is stopped" copied -Wl,--hash-style=gnu -fPIE -pie
ok "so it is when the library has a table of the old kind" copied -Wl,--hash-style=sysv -fno-pie -no-pie
if [ -e /dev/cryptmem ]; then
	skip "without the module: secure variables stop the program" "the module is here"
	skip "without the module: ENOSYS, and salloc_status says so" "the module is here"
	skip "without the module, and a program that may do with less" "the module is here"
	skip "with -fPIC it has no copy" "the module is here"
	skip "static, without the module: the same" "the module is here"
else
	ok "without the module: ENOSYS, and salloc_status says so" runs_as "0.1.0 0 1 0 1" "$scratch/installed"
	wanted="libsalloc: secure variables: the kernel module cryptmem is not loaded"
	ok "without the module: secure variables stop the program" aborts_with "$wanted" "$scratch/secure"
	ok "without the module, and a program that may do with less" makes_do
	ok "with -fPIC it has no copy" copied -Wl,--hash-style=gnu -fPIC
	ok "static, without the module: the same" runs_as "0.1.0 0 1 0 1" "$scratch/static"
fi
done_testing
