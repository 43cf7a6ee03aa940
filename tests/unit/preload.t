#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real programs with their malloc from the preload library, on the test backend; and what the shipped one does without
# the module.
. tests/unit/tap.sh

preload=$PWD/build/tests/unit/libsalloc-preload-test.so
shipped=$PWD/build/lib/libsalloc-preload.so

# same COMMAND ARG...: prints the same and exits the same with and without
same() {
	local plain protected
	plain=$("$@" 2>&1; echo "status $?")
	protected=$(LD_PRELOAD=$preload "$@" 2>&1; echo "status $?")
	[ "$plain" = "$protected" ] || { echo "$protected"; return 1; }
}

# Is the library really in there, and nothing from the C library's heap?
in_use() {
	LD_PRELOAD=$preload python3 - <<-'END'
		import ctypes, re
		buffer = ctypes.create_string_buffer(300000)
		maps = open("/proc/self/maps").read()
		assert "libsalloc-preload-test.so" in maps
		assert not re.search(r"\[heap\]", maps), maps
	END
}

family() {
	cat >"$scratch/family.c" <<-'END'
		#define _GNU_SOURCE
		#include <assert.h>
		#include <errno.h>
		#include <malloc.h>
		#include <stdint.h>
		#include <stdlib.h>
		#include <string.h>
		int main(void)
		{
			volatile size_t huge = SIZE_MAX;
			void *p = malloc(100), *q;
			assert(p && malloc_usable_size(p) == 128);
			p = realloc(p, 5000);
			assert(p && malloc_usable_size(p) == 8192);
			p = reallocarray(p, 100, 100);
			assert(p && malloc_usable_size(p) == 12288);
			q = calloc(3, 100);
			for (int i = 0; i < 300; i++)
				assert(!((char *)q)[i]);
			free(q);
			assert((uintptr_t)(q = memalign(512, 3)) % 512 == 0 && q);
			free(q);
			assert((uintptr_t)(q = aligned_alloc(8192, 8192)) % 8192 == 0 && q);
			free(q);
			assert(malloc(10) && (uintptr_t)(q = valloc(10)) % 4096 == 0 && q);
			free(q);
			assert((uintptr_t)(q = pvalloc(5000)) % 4096 == 0 && q);
			assert(malloc_usable_size(q) == 8192);
			free(q);
			assert(!posix_memalign(&q, 64, 100) && (uintptr_t)q % 64 == 0);
			free(q);
			errno = 7;
			assert(posix_memalign(&q, 3, 100) == EINVAL && posix_memalign(&q, 4, 1) == EINVAL);
			assert(posix_memalign(&q, 64, huge) == ENOMEM && errno == 7);
			assert(!aligned_alloc(48, 48) && errno == EINVAL);
			errno = 0;
			assert(!malloc(huge) && errno == ENOMEM);
			errno = 0;
			assert(!calloc(huge / 2, 4) && errno == ENOMEM);
			errno = 0;
			assert(!reallocarray(p, huge / 2, 4) && errno == ENOMEM);
			errno = 0;
			assert(!realloc(p, huge) && errno == ENOMEM);
			errno = 0;
			assert(!pvalloc(huge) && errno == ENOMEM);
			assert(!malloc_usable_size(NULL));
			q = malloc(0);
			assert(q);
			free(q);
			q = strdup("hello");
			assert(malloc_usable_size(q) == 16);
			free(q);
			errno = 9;
			free(p);
			free(NULL);
			assert(errno == 9);
			return 0;
		}
	END
	cc -fno-builtin -o "$scratch/family" "$scratch/family.c" && LD_PRELOAD=$preload "$scratch/family"
}

misuse() {
	cat >"$scratch/misuse.c" <<-'END'
		#include <stdlib.h>
		int main(void)
		{
			void *volatile p = malloc(40);
			free(p);
			free(p);
		}
	END
	cc -fno-builtin -w -o "$scratch/misuse" "$scratch/misuse.c"
	(ulimit -c 0; LD_PRELOAD=$preload "$scratch/misuse") 2>"$scratch/said"
	[ $? = 134 ] && grep -Ex 'libsalloc: double free of 0x[0-9a-f]+' "$scratch/said"
}

keys() {
	LD_PRELOAD=$preload ssh-keygen -q -t rsa -b 2048 -N '' -f "$scratch/key" && ssh-keygen -l -f "$scratch/key"
}

# guarded LIST FLAGS: is FLAGS, without a park, what the kernel was told when main() begins?
guarded() {
	cat >"$scratch/guarded.c" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdlib.h>
		#include "backend_test.h"
		int main(int argc, char **argv)
		{
			struct backend_test *test = dlsym(RTLD_DEFAULT, "backend_test");
			return !test || test->handles || test->guard != (unsigned int)atoi(argv[1]);
		}
	END
	[ -e "$scratch/guarded" ] || cc -Itests/unit -o "$scratch/guarded" "$scratch/guarded.c" || return 1
	SALLOC_GUARD=$1 LD_PRELOAD=$preload "$scratch/guarded" "$2"
}

guards() {
	guarded refuse 2 && guarded hide 4 && guarded refuse,hide 6 && guarded hide,refuse 6 && guarded hide,hide 4 &&
		guarded park,hide 4 && guarded park 0 && guarded '' 0
}

# dies LIST TEXT [VAR=VALUE]: does not come to main()
dies() {
	(ulimit -c 0; env ${3+"$3"} SALLOC_GUARD="$1" LD_PRELOAD="$preload" "$scratch/guarded" 0) 2>"$scratch/said"
	[ $? = 134 ] && [ "$(cat "$scratch/said")" = "libsalloc: preload: SALLOC_GUARD: $2" ] || { cat "$scratch/said"; return 1; }
}

wrong_guards() {
	local list
	for list in hid hides HIDE 'hide ' ' hide' hide, ,hide hide,,refuse refuse:hide park,refuse,x , 1 ''$'\n'; do
		dies "$list" 'not a list of park, refuse, hide with commas between' || { echo "'$list'"; return 1; }
	done
}

# A copy: preloading is ignored by programs with the setgid bit. It also closes every descriptor that it does not know.
agent() {
	local status=1
	cp "$(command -v ssh-agent)" "$scratch/agent"
	eval "$(LD_PRELOAD=$preload "$scratch/agent" -a "$scratch/socket")"
	LD_PRELOAD=$preload ssh-add "$scratch/key" && ssh-add -T "$scratch/key.pub" && status=0
	kill "$SSH_AGENT_PID"
	return $status
}

threads() {
	LD_PRELOAD=$preload python3 - <<-'END'
		import os, threading
		def work():
		    for i in range(300):
		        bytearray(i * 100); str(i) * i
		threads = [threading.Thread(target=work) for i in range(8)]
		[t.start() for t in threads]
		for i in range(20):
		    pid = os.fork()
		    if not pid:
		        work()
		        os._exit(0)
		    assert os.waitpid(pid, 0)[1] == 0
		[t.join() for t in threads]
	END
}

handlers() {
	LD_PRELOAD=$preload python3 -c 'import subprocess
for i in range(20): subprocess.run(["true"], check=True, preexec_fn=lambda: [str(x) for x in range(100)])'
}

# build NAME: what is on standard input, as $scratch/NAME
build() {
	cc -std=gnu11 -fno-builtin -O1 -w -pthread -x c -o "$scratch/$1" -
}

# Which stack is main() on, how much of it is there, and is the rest of a program's life as ever?
stack_programs() {
	build where <<-'END' && build use <<-'END2' && build leave <<-'END3'
		#include <stdint.h>
		#include <stdio.h>
		#include <string.h>
		int main(void)
		{
			uintptr_t from, to, here = (uintptr_t)&from;
			char line[512];
			FILE *maps = fopen("/proc/self/maps", "r");
			while (fgets(line, sizeof(line), maps))
				if (sscanf(line, "%lx-%lx", &from, &to) == 2 && here >= from && here < to)
					puts(strstr(line, "[stack]") ? "ordinary" : "elsewhere");
			return 0;
		}
	END
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		static int use(int kib)
		{
			volatile char frame[1024];
			frame[0] = 1;
			return kib ? use(kib - 1) + frame[0] : 0;
		}
		int main(int argc, char **argv, char **envp)
		{
			if (argc != 3 || strcmp(argv[2], "last") || !getenv("HERE") || strcmp(getenv("HERE"), "yes") || !*envp)
				return 1;
			return use(atoi(argv[1])) == atoi(argv[1]) ? 42 : 1;
		}
	END2
		#include <pthread.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		static void bye(void) { write(1, "bye\n", 4); }
		static void *other(void *first)
		{
			write(1, pthread_join(*(pthread_t *)first, NULL) ? "lost\n" : "joined\n", 7);
			exit(5);
		}
		static pthread_t first, second;
		int main(int argc, char **argv)
		{
			atexit(bye);
			first = pthread_self();
			if (!strcmp(argv[1], "return"))
				return 3;
			if (!strcmp(argv[1], "exit"))
				exit(4);
			pthread_create(&second, NULL, other, &first);
			pthread_exit(NULL);
		}
	END3
}

on() {	# on ordinary|elsewhere [VAR=VALUE]
	[ "$(env LD_PRELOAD="$preload" ${2+"$2"} "$scratch/where")" = "$1" ]
}

stacks() {
	stack_programs && [ "$("$scratch/where")" = ordinary ] && on elsewhere && on elsewhere SALLOC_STACK= &&
		on elsewhere SALLOC_STACK=protected && on ordinary SALLOC_STACK=ordinary
}

uses() {	# uses LIMIT KIB STATUS: with a limit of so many KiB, so many are used
	(ulimit -c 0; ulimit -Ss "$1" && HERE=yes LD_PRELOAD=$preload exec "$scratch/use" "$2" last) 2>"$scratch/said"
	[ $? = "$3" ]
}

depths() {
	uses 8192 7000 42 && uses 8192 9000 139 && uses 20000 18000 42 && uses 1024 900 42 && uses 1024 2000 139 && uses 32 48 42 &&
		uses unlimited 7000 42
}

leaves() {
	local how
	for how in return exit pthread_exit; do
		same "$scratch/leave" $how || return 1
	done
	[ "$(LD_PRELOAD=$preload "$scratch/leave" pthread_exit)" = $'joined\nbye' ]
}

exceptions() {
	cat >"$scratch/throw.cc" <<-'END'
		#include <cstdio>
		#include <stdexcept>
		struct trace { ~trace() { puts("unwound"); } };
		static void thrower() { trace t; throw std::runtime_error("caught"); }
		int main()
		{
			try { trace t; thrower(); } catch (const std::exception &e) { puts(e.what()); return 6; }
		}
	END
	c++ -o "$scratch/throw" "$scratch/throw.cc" && same "$scratch/throw" &&
		[ "$(LD_PRELOAD=$preload "$scratch/throw")" = $'unwound\nunwound\ncaught' ]
}

jumps() {
	build jump <<-'END'
		#define _FORTIFY_SOURCE 2
		#include <setjmp.h>
		#include <stdio.h>
		static jmp_buf back;
		static void deep(int n) { volatile char frame[256]; frame[0] = n; if (!n) longjmp(back, 9); deep(n - 1); frame[1] = n; }
		int main(void) { int n = setjmp(back); if (n) return n; deep(100); return 1; }
	END
	LD_PRELOAD=$preload "$scratch/jump"
	[ $? = 9 ]
}

no_stack() {	# as many addresses as are there for programs, but none for a stack of 1 GiB
	(ulimit -c 0; ulimit -s 1048576 && ulimit -v 500000 && LD_PRELOAD=$preload exec "$scratch/where") 2>"$scratch/said"
	[ $? = 134 ] && [ "$(cat "$scratch/said")" = "libsalloc: preload: cannot get protected memory" ] || { cat "$scratch/said"; return 1; }
}

wrong_stacks() {
	local word
	for word in ordinar ordinaryx ' ordinary' PROTECTED 1; do
		(ulimit -c 0; SALLOC_STACK=$word LD_PRELOAD="$preload" "$scratch/where") >"$scratch/stdout" 2>"$scratch/said"
		[ $? = 134 ] && [ "$(cat "$scratch/said")" = "libsalloc: preload: SALLOC_STACK: neither protected nor ordinary" ] &&
			[ ! -s "$scratch/stdout" ] || { echo "'$word'"; return 1; }
	done
}

without_module() {
	(ulimit -c 0; LD_PRELOAD=$shipped "$@") >"$scratch/stdout" 2>"$scratch/said"
	[ $? = 134 ] || return 1
	[ "$(cat "$scratch/said")" = "libsalloc: preload: the kernel module cryptmem is not loaded" ] &&
		[ ! -s "$scratch/stdout" ]
}

ok "the program's heap is ours" in_use
ok "each function of the family" family
ok "a double free is named and aborts" misuse
ok "SALLOC_GUARD: in force when main() begins" guards
ok "an unknown word in it is said and aborts" wrong_guards
ok "so does a contradiction" dies refuse,hide,park 'both to park and to refuse'
ok "so does a module that has nothing of the kind" dies hide 'not in this version of the kernel module' BACKEND_TEST_GUARD_ERROR=95
ok "main() is on a stack of ours, unless SALLOC_STACK=ordinary" stacks
ok "it is as long as the limit says, and no longer" depths
ok "main() may return, exit and pthread_exit" leaves
ok "exceptions are caught on it" exceptions
ok "longjmp" jumps
ok "no memory for it: aborts before main()" no_stack
ok "another word in SALLOC_STACK is said and aborts" wrong_stacks
ok "ls" same ls -l lib
ok "sort" same sort lib/heap.c
ok "sort, with threads" same sort --parallel=4 -S 20M lib/heap.c lib/pages.c
ok "perl" same perl -e 'my %h; $h{$_ % 1000} .= "x$_" for 1 .. 100000; print length join ",", map { $h{$_} } sort keys %h'
ok "python3" same python3 -c 'import json, ssl, re, decimal; print(len(json.dumps([str(decimal.Decimal(i)) for i in range(50000)])))'
ok "python3, threads and fork" threads
ok "python3, fork and exec" handlers
ok "bash, subshells" same bash -c 'for i in {1..50}; do x=$(echo $i | (read y; echo $((y * 2)))); done; echo $x'
ok "git" same git log --oneline -5
ok "gcc" same cc -std=c11 -D_GNU_SOURCE -Iinclude -DSALLOC_VERSION='""' -S -o - lib/heap.c
ok "ssh-keygen" keys
ok "ssh-agent" agent
if [ -e /dev/cryptmem ]; then
	skip "without the module: aborts at start" "the module is here"
	skip "without the module: a program without malloc aborts as well" "the module is here"
else
	ok "without the module: aborts at start" without_module ls
	echo 'int main(void) { return 0; }' >"$scratch/empty.c"
	cc -o "$scratch/empty" "$scratch/empty.c"
	ok "without the module: a program without malloc aborts as well" without_module "$scratch/empty"
fi
done_testing
