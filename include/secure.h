/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * secure.h - variables that are in plaintext only while your process runs
 *
 *	#include <secure.h>
 *
 *	secure static unsigned char key[32];
 *	secure struct credentials defaults = { .user = "backup" };
 *	extern secure int counter;
 *
 * The storage class for static and external variables, at file scope or in a
 * function, initialised or not. What salloc.h says of blocks is true of them:
 * they lie in a region that the kernel module cryptmem encrypts whenever no
 * thread of the process is on a CPU. Link with libsalloc; nothing needs to be
 * called.
 *
 * They are protected before main() runs, and before dlopen() returns; before
 * any constructor but those of a priority below 101, and those of other
 * libraries. Their initial values are in the file of the program or library,
 * and so in the page cache, for all to read who may read the file: only what is
 * written to them at run time is secret.
 *
 * If they cannot be protected, one line that begins with "libsalloc: " goes to
 * standard error, and the process is aborted before its main() runs. With
 * SECURE_FALLBACK defined before, in all files of a program, as SALLOC_FALLBACK_*
 * (salloc.h), less than the module will do, for the whole process: a library has
 * no business to say so. It is aborted, too,
 * with a program that uses a library's variables by name and has got copies of
 * them from the linker: code that does that wants -fPIC.
 *
 * Not for const or thread-local variables, nor for parameters: compilers say so,
 * most of them ("section type conflict", "section attribute cannot be
 * specified"). Not in C++ templates, nor for static inline members and in inline
 * functions: there g++ forgets where they are to be, without a word, or says
 * "section type conflict". A library's external variables should be hidden or
 * linked with -Bsymbolic: another of the same name, in the program, say, that is
 * not secure takes their place otherwise. Automatic variables: see secure_auto()
 * below.
 *
 * With SECURE_NO_KEYWORDS defined before, only the names that begin with
 * SALLOC_ are there; with SECURE_NO_VARIABLES, secure_auto() and
 * secure_auto_array() alone, and the file needs no pages. GCC or clang, ELF.
 */
#ifndef SECURE_H
#define SECURE_H

#include <salloc.h>

#ifndef SECURE_NO_VARIABLES
/* What `secure` stands for. Clang makes automatic variables of static ones, where it can, unless they are annotated. */
#ifdef __clang__
#define SALLOC_SECURE	__attribute__((__section__("salloc_secure"), __annotate__("salloc")))
#else
#define SALLOC_SECURE	__attribute__((__section__("salloc_secure")))
#endif

#ifndef SECURE_NO_KEYWORDS
#define secure		SALLOC_SECURE
#endif
#endif

/**
 * secure_auto - a pointer to memory that is protected while its scope lasts
 * @type: of what it points to
 * @name: of the pointer, which is const
 *
 *	int sign(...)
 *	{
 *		secure_auto(struct key, key);
 *
 *		if (!key)
 *			return -1;
 *		...
 *
 * A declaration, like `type *const name = ...`. What it points to is zeroed
 * memory from salloc(), and is wiped and given back when the scope is left:
 * at its end, by return, break or goto; by an exception, or the end of the
 * thread by pthread_exit() or pthread_cancel(), where the code is C++ or was
 * compiled with -fexceptions, else at the thread's end. By longjmp(): when the
 * next is entered or left in a function further up the stack, or at the
 * thread's end.
 *
 * NULL, with errno set as by salloc(), when there is no protected memory;
 * EAGAIN as well, when the process has no thread-specific key left.
 *
 * Not for signal handlers. A coroutine must leave it in the thread in which it
 * has entered it, which must not end before; its stack must not lie within that
 * thread's own. On any stack but the thread's own, longjmp() leaves blocks
 * behind until the thread ends. In C, goto and switch must not jump past it into
 * its scope (-Wjump-misses-init tells).
 *
 * SALLOC_SECURE_AUTO is the same.
 */
#define SALLOC_SECURE_AUTO(type, name)	SALLOC_SECURE_AUTO_ARRAY(type, name, 1)

/**
 * secure_auto_array - the same for an array
 * @type: of an element
 * @name: of the pointer to the first
 * @count: how many
 *
 * NULL and ENOMEM when the product overflows.
 */
#define SALLOC_SECURE_AUTO_ARRAY(type, name, count)				\
	__attribute__((__cleanup__(salloc_scope_leave)))			\
	__typeof__(type) *const name = SALLOC_TO_POINTER(type)			\
		salloc_scope_enter(salloc_array_bytes(count, sizeof(type)),	\
				   __alignof__(type), (uintptr_t)&(name))

#ifndef SECURE_NO_KEYWORDS
#define secure_auto(type, name)			SALLOC_SECURE_AUTO(type, name)
#define secure_auto_array(type, name, count)	SALLOC_SECURE_AUTO_ARRAY(type, name, count)
#endif

/* From here on: nothing for programs. */

#ifdef __cplusplus
extern "C" {
#endif

/* Protects the variables between these two; aborts when it cannot. */
void salloc_secure_variables(void *start, void *end);

#ifdef __cplusplus
#define SALLOC_TO_POINTER(type)	(__typeof__(type) *)
#else
#define SALLOC_TO_POINTER(type)
#endif

/*
 * @slot is where the pointer is, for both. Sizes are in bytes; @align is a power
 * of two.
 */
void *salloc_scope_enter(size_t size, size_t align, uintptr_t slot);
void salloc_scope_leave(const void *slot);

/* More than there can be when it is too much to be expressed. */
static inline size_t salloc_array_bytes(size_t count, size_t size)
{
	return size && count > (size_t)-1 / size ? (size_t)-1 : count * size;
}

#ifndef SECURE_NO_VARIABLES
/*
 * The linker makes these two, in each program and library by itself, where there
 * is such a variable.
 */
extern char __start_salloc_secure[] __attribute__((__weak__, __visibility__("hidden")));
extern char __stop_salloc_secure[] __attribute__((__weak__, __visibility__("hidden")));

/* The variables of an object file begin at a page, and what follows the last does. */
__asm__(".pushsection salloc_secure, \"aw\", %progbits\n"
	"\t.balign 4096\n"
	"\t.popsection\n"
	"\t.ifndef salloc_secure_follows\n"	/* by another file, with -flto */
	"\t.pushsection salloc_secure_end, \"awG\", %progbits, salloc_secure_end, comdat\n"
	"\t.balign 4096\n"
	"\t.weak salloc_secure_follows\n"
	"\t.hidden salloc_secure_follows\n"
	"salloc_secure_follows:\n"
	"\t.byte 0\n"
	"\t.popsection\n"
	"\t.endif");
extern char salloc_secure_follows[] __attribute__((__visibility__("hidden")));

/* Whichever object file it is called for, it is for all of a program or library. */
__attribute__((__weak__, __visibility__("hidden"), __constructor__(101)))
void salloc_secure_constructor(void);
__attribute__((__weak__, __visibility__("hidden"), __constructor__(101)))
void salloc_secure_constructor(void)
{
	static int done;

	/* Or the linker would leave it out, which takes what nobody asks for to be of no use. */
	__asm__ volatile("" : : "r"(salloc_secure_follows));
#ifdef SECURE_FALLBACK
	if (!done)
		salloc_fallback(SECURE_FALLBACK);
#endif
	if (!done)
		salloc_secure_variables(__start_salloc_secure, __stop_salloc_secure);
	done = 1;
}
#endif

#ifdef __cplusplus
}
#endif

#endif /* SECURE_H */
