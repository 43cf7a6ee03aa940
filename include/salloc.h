/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * salloc.h - memory that is in plaintext only while your process runs
 *
 *	unsigned char *key = salloc(32);
 *	if (!key)
 *		err(1, "salloc");
 *	...
 *	sfree(key);				(wipes it)
 *
 * What salloc() hands out lies in regions that the kernel module cryptmem
 * encrypts whenever no thread of the process is on a CPU. Use it as you would
 * use memory from malloc(). What differs:
 *
 *  - it is not dumped, not swapped out in plaintext, and other processes cannot
 *    read or write it: not through ptrace() or /proc/PID/mem, nor as root;
 *  - system calls that pin pages instead of copying (O_DIRECT, vmsplice(),
 *    registered io_uring buffers, futexes shared between processes) fail with
 *    EFAULT on it;
 *  - it is zeroed when it is freed;
 *  - a call with a pointer that did not come from this family, that points into
 *    the middle of a block, or that was freed before writes one line to
 *    standard error that begins with "libsalloc: ", and aborts the process.
 *    So does a block that was written to after it was freed, when that is
 *    noticed as its memory is handed out again.
 *
 * Never pass a pointer from this family to free() or realloc(), nor one from
 * malloc() to sfree() or srealloc().
 *
 * Sizes are in bytes. Every block is aligned for any object (16 bytes). Blocks
 * of up to 2 KiB share pages and never cross one, so one 32-byte key costs one
 * page; blocks of 1 MiB and more are regions of their own.
 *
 * Threads: all functions may be called from any thread at any time. None may be
 * called from a signal handler. None is a cancellation point.
 *
 * fork(): the child gets a copy of every block, as with malloc(), and may use
 * and free it whatever the other threads were doing. The copy is encrypted
 * under a key of the child's own.
 *
 * Errors: functions that return a pointer return NULL and set errno:
 *
 *	ENOSYS	the kernel module is not loaded, or does not speak this
 *		library's version of its interface (salloc_fallback() lets it do
 *		with less)
 *	EACCES	no permission to open /dev/cryptmem
 *	EPERM	a seccomp filter or the like forbids to open or map it
 *	EDQUOT	the user has as many regions or pages as the module allows
 *	ENOMEM	out of memory or address space; or the size is larger than
 *		PTRDIFF_MAX; or new memory was needed and /dev/cryptmem, there
 *		at first, is out of sight by now (chroot)
 *	EMFILE, ENFILE
 *		no file descriptor was free to open /dev/cryptmem with. That
 *		happens only when new memory must be had from the kernel: the
 *		first call reserves 64 MiB of addresses, which cost nothing
 *		until they are used. No descriptor is kept open.
 *	EBADF	another thread closed that descriptor while it was being used
 *	EAGAIN	over RLIMIT_MEMLOCK, after mlockall(MCL_FUTURE)
 *	EBUSY	the machine is about to hibernate, or to be reset (reboot())
 *	EINTR	a signal came while /dev/cryptmem waited to be opened, as the
 *		kernel's random number generator was not ready yet
 *	EINVAL	saligned_alloc(): the alignment is not a power of two
 *	ENOTSUP	the module has been exchanged for one that cannot do what
 *		salloc_guard() was asked for
 *	EOVERFLOW
 *		the process has mapped more, in all its life, than the module can
 *		number
 *
 * A call that fails changes nothing.
 */
#ifndef SALLOC_H
#define SALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SALLOC_SIZE(...)	__attribute__((__alloc_size__(__VA_ARGS__)))
#define SALLOC_MUST_USE		__attribute__((__warn_unused_result__))
#else
#define SALLOC_SIZE(...)
#define SALLOC_MUST_USE
#endif

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define SALLOC_FREED_BY		__attribute__((__malloc__(sfree, 1)))
#else
#define SALLOC_FREED_BY
#endif

/**
 * sfree - wipe a block and give it back
 * @ptr: a block, or NULL: then nothing happens
 *
 * The block's memory is zero when sfree() returns. errno is left alone. Aborts
 * the process if @ptr is not a block in use.
 */
void sfree(void *ptr);

/**
 * salloc - get a block of protected memory
 * @size: bytes; 0 gives a block of its own too, which can be freed
 *
 * Return: the block, its contents unspecified, or NULL with errno set as above.
 */
SALLOC_MUST_USE SALLOC_FREED_BY SALLOC_SIZE(1)
void *salloc(size_t size);

/**
 * scalloc - get a block for an array, all bytes zero
 * @count: how many elements
 * @size: bytes of each
 *
 * Return: the block, or NULL with errno set as above; ENOMEM as well when the
 * product overflows.
 */
SALLOC_MUST_USE SALLOC_FREED_BY SALLOC_SIZE(1, 2)
void *scalloc(size_t count, size_t size);

/**
 * srealloc - change the size of a block
 * @ptr: a block, or NULL: then this is salloc(@size)
 * @size: bytes; 0 leaves a block of its own, it does not free
 *
 * The block may move. Where it was is wiped then. What it held is kept, up to
 * the smaller of both sizes; new bytes are unspecified.
 *
 * Return: the block, or NULL with errno set as above and @ptr still in use.
 * Aborts the process if @ptr is not a block in use.
 */
SALLOC_MUST_USE SALLOC_SIZE(2)
void *srealloc(void *ptr, size_t size);

/**
 * saligned_alloc - get a block at an aligned address
 * @alignment: bytes, a power of two
 * @size: bytes, any number
 *
 * Return: the block, or NULL with errno set as above.
 */
SALLOC_MUST_USE SALLOC_FREED_BY SALLOC_SIZE(2)
void *saligned_alloc(size_t alignment, size_t size);

/**
 * ssize - how many bytes of a block may be used
 * @ptr: a block, or NULL
 *
 * Return: at least the size that was asked for; 0 for NULL. Aborts the process
 * if @ptr is not a block in use.
 */
size_t ssize(const void *ptr);

/**
 * salloc_has - whether an address is in memory that the family hands out
 * @ptr: any address, also one that points nowhere
 *
 * For those who free what may be of malloc(), too. Blocks only: not what
 * sprotect() has protected, nor stacks.
 *
 * Return: 1 if it is, in a block or between blocks; else 0.
 */
int salloc_has(const void *ptr);

/**
 * salloc_guarded - get a block with pages of its own, between two that nobody
 *	may touch
 * @size: bytes; 0 gives a block of which no byte may be touched
 *
 * The byte behind the block, and the page in front of those that it is in, are
 * out of reach: to read or write them is SIGSEGV. What is written to the rest of
 * its first page, in front of it, is found when the block is freed or moved, and
 * aborts the process. So the block is aligned for what its size is a multiple
 * of the size of, up to a page: for an object, or an array, it is; not for more.
 *
 * It is zeroed. ssize() is @size exactly. srealloc() gives another of this kind.
 * It takes whole pages and a region: for a few secrets, not for many blocks.
 *
 * Return: the block, or NULL with errno set as above. Freed by sfree().
 */
SALLOC_MUST_USE SALLOC_FREED_BY SALLOC_SIZE(1)
void *salloc_guarded(size_t size);

/**
 * salloc_ro, salloc_noaccess, salloc_rw - say what may be done with a block
 * @ptr: a block of salloc_guarded(), or of 1 MiB or more
 *
 * Read it only, nothing, read and write it: all else is SIGSEGV, from then on,
 * also in children made by fork(). sfree() works whatever was said, and so does
 * srealloc(): what it returns may be read and written.
 *
 * Return: 0, or -1 with errno set, and nothing has changed:
 *	EINVAL	the block shares its pages with others
 *	ENOMEM	the kernel is out of memory, or has too many mappings
 * Aborts the process if @ptr is not a block in use.
 */
int salloc_ro(void *ptr);
int salloc_noaccess(void *ptr);
int salloc_rw(void *ptr);

/**
 * salloc_equal - compare in a time that tells nothing about what is compared
 * @a: memory, of any kind
 * @b: memory
 * @length: bytes
 *
 * Return: 1 if they are the same, or @length is 0; else 0.
 */
SALLOC_MUST_USE
int salloc_equal(const void *a, const void *b, size_t length);

/**
 * salloc_zero - wipe memory, of any kind
 * @memory: first byte
 * @length: bytes
 *
 * No compiler leaves it out, as it may memset() before free().
 */
void salloc_zero(void *memory, size_t length);

/**
 * sprotect - protect memory that is there already, where it is
 * @addr: first byte, at the beginning of a page
 * @len: bytes, rounded up to whole pages
 *
 * For pages of the process's own that it reads and writes: static data, the
 * heap, what mmap() gave. They keep their addresses and contents, and become a
 * region, as blocks are in; all that is said of those above is true of them
 * then, fork() included. The physical pages that they were in are wiped, but
 * not what has been swapped out of them, nor the file that they were mapped
 * from. What shares the pages is protected with them. Pages that are protected
 * already stay so. What madvise() was told of the pages is forgotten
 * (MADV_WIPEONFORK, say), and so is mlock().
 *
 * Until it returns, no other thread may use the range, nor may a signal
 * handler, nor io_uring or the like on its behalf: what is written to it then
 * may be lost.
 *
 * To unmap the pages (munmap(), dlclose(), free() of a block that malloc() had
 * mapped for it) ends it; they are wiped. Not so for pages that free() keeps.
 *
 * Return: 0, or -1 with errno set as above or as follows, and nothing changed:
 *	EINVAL	@addr is not the beginning of a page, @len is 0, or the range
 *		goes beyond the end of memory
 *	EACCES	a part of it cannot be read and written, or can be executed
 *	ENOMEM	a part of it is not mapped
 *	ENOTSUP	a part of it is a shared mapping, or of the main thread's or the
 *		caller's stack; or belongs to blocks while another does not; or
 *		variables of libsalloc.a are in it, in a program that was linked
 *		with that
 *	ENOENT	/proc, which tells what is mapped where, is not mounted
 */
int sprotect(void *addr, size_t len);

/**
 * sunprotect - make ordinary memory of it again
 * @addr: first byte, at the beginning of a page
 * @len: bytes, rounded up to whole pages
 *
 * The pages keep their addresses and contents, in plaintext. They are private
 * memory of the process without a file behind it. sprotect() says what nobody
 * may do meanwhile.
 *
 * Return: 0, or -1 with errno set, and nothing changed:
 *	EINVAL	@addr is not the beginning of a page, @len is 0, the range goes
 *		beyond the end of memory; or a part of it is not what sprotect()
 *		has protected, or has been unmapped since
 *	ENOMEM	there is not as much memory, or there are too many mappings
 *	ENOENT	/proc is not mounted
 *	EACCES, EMFILE, ENFILE, EPERM
 *		/proc/thread-self/maps cannot be opened
 */
int sunprotect(void *addr, size_t len);

/**
 * salloc_call - call a function on a stack of protected memory
 * @size: bytes of the stack, rounded up to whole pages; at least 32 KiB, and
 *	8 MiB when it is 0. Only what is used takes memory
 * @function: what to call
 * @argument: what it is called with
 *
 * What the function, and those that it calls, keep in automatic variables, spill
 * to the stack or leave there is protected; so are the frames of signals whose
 * handlers run there. A whole main() may run so, or a whole thread, each on a
 * stack of its own.
 *
 * Below the stack is a page that nothing may touch: to need more is SIGSEGV,
 * which a handler can have on the stack of sigaltstack() only.
 *
 * Exceptions go through it, and so does what pthread_exit() and
 * pthread_cancel() do; the stack is gone when the call has ended so, and when
 * the function has returned. If it is left by longjmp(), or by a context that
 * is never resumed, its memory is not given back before the process ends.
 *
 * Return: 0 when the function has returned, or -1 with errno set as above, and
 * it has not been called.
 */
int salloc_call(size_t size, void (*function)(void *argument), void *argument);

/* What protects the memory, struct salloc_status.protection. */
#define SALLOC_PROTECTION_NONE		0 /* salloc() fails */
#define SALLOC_PROTECTION_KERNEL	1 /* the module: sealed while asleep */
#define SALLOC_PROTECTION_SECRET	2 /* memfd_secret(2): plaintext in the
					   * RAM, but no other process, nor a
					   * debugger, nor most of the kernel
					   * can read it
					   */
#define SALLOC_PROTECTION_LOCKED	3 /* mlock(2): not swapped out, not in
					   * core files; who may debug the
					   * process reads it
					   */

/* How it is with this process now, struct salloc_status.state. */
#define SALLOC_STATE_UNAVAILABLE	0 /* no protection; see error */
#define SALLOC_STATE_READY		1 /* there, but nothing allocated yet */
#define SALLOC_STATE_PROTECTED		2 /* all is well */
#define SALLOC_STATE_TRACED		3 /* a debugger is attached: threads that
					   * touch a block wait for it to go,
					   * or get SIGBUS, as salloc_guard()
					   * was told. Or there is a uprobe:
					   * all threads wait. Or somebody
					   * watches the functions by which
					   * the kernel's events read user
					   * memory: they wait, whatever it
					   * was told
					   */
#define SALLOC_STATE_LOCKED		4 /* altered from outside: blocks stay
					   * sealed until the process exits
					   */
#define SALLOC_STATE_BROKEN		5 /* memory ran out as the fork() that
					   * made this process copied its
					   * pages, or what blocks held has
					   * been dropped (hibernation,
					   * reboot()): touching blocks is
					   * SIGBUS; or, without the module,
					   * those made before it SIGSEGV.
					   * Not told: no memory or quota for
					   * a region as a whole. To touch a
					   * block in there is SIGBUS
					   */

/**
 * struct salloc_status - see salloc_status()
 * @size: in: sizeof(struct salloc_status); out: how many bytes were filled in
 * @protection: SALLOC_PROTECTION_*: the least that any block, stack or variable
 *	has; before the first, what it would get
 * @state: SALLOC_STATE_*
 * @error: what errno salloc() fails with, when unavailable; 0 otherwise
 * @allocated: bytes in blocks now (what ssize() says, added up)
 * @mapped: bytes of address space reserved for blocks
 * @used: bytes of memory that the process's regions occupy
 * @limit: bytes of address space that may be reserved so: by all processes of
 *	the user, as the module's max_pages has it; or without the module by this
 *	one, by RLIMIT_MEMLOCK, which the privileged may exceed where memory is
 *	locked.
 *	UINT64_MAX: no limit; 0: not known, as there is no protection
 * @left: how many of them are left now; 0, too, when the user may have no more
 *	regions, the module's max_regions. Without the module, what the process
 *	has locked by itself is not taken off, nor, of secret memory, what other
 *	processes of the user have: many kernels count that together
 *
 * It grows at its end in later versions; so compare @size after the call
 * before you read a field that this version lacks.
 */
struct salloc_status {
	uint32_t size;
	uint32_t protection;
	uint32_t state;
	int32_t error;
	uint64_t allocated;
	uint64_t mapped;
	uint64_t used;
	uint64_t limit;
	uint64_t left;
};

/**
 * salloc_status - is this process's memory really protected?
 * @status: set its size field to sizeof(*status) before the call
 *
 * Asks the kernel each time, so the answer is never older than the call.
 *
 * Return: 0, or -1 with errno set:
 *	EINVAL	the size field is smaller than version 0.1's struct
 *	EMFILE, ENFILE, EACCES, EPERM, ENOSYS
 *		the process has blocks, stacks or variables, but /dev/cryptmem
 *		cannot be opened any more to ask about them
 *	EBADF	another thread closed its descriptor meanwhile
 */
#if defined(__cplusplus) && defined(__GNUC__)
/* A function named as a struct, like stat(), is what -Wshadow dislikes. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
int salloc_status(struct salloc_status *status);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* What will do where the module cannot be had, salloc_fallback(). */
#define SALLOC_FALLBACK_SECRET	(1U << 0) /* SALLOC_PROTECTION_SECRET, where
					   * the kernel has it
					   */
#define SALLOC_FALLBACK_LOCKED	(1U << 1) /* SALLOC_PROTECTION_LOCKED, where
					   * the former is not to be had
					   */
#define SALLOC_FALLBACK_WIPE	(1U << 2) /* with these, a child made by fork()
					   * has zeros where its parent has
					   * blocks, but not a copy
					   */

/**
 * salloc_fallback - say what will do where the kernel module is absent
 * @flags: SALLOC_FALLBACK_*, or 0: nothing but the module will do. So it is
 *	unless this is called
 *
 * To be called before the first block: what that comes from, all later ones
 * come from. It is about a module that is not loaded, speaks another version of
 * the interface, or may not be used (ENOSYS, EACCES, EPERM); salloc_status()
 * says what there is.
 *
 * In the environment, SALLOC_FALLBACK takes the place of all such calls: a list
 * of secret, locked, wipe, or none, with commas between them. SALLOC_REQUIRE is
 * the least that will do whoever says what: kernel, secret, or locked. Set-user-ID
 * programs and the like heed neither. With a word that is not known there the
 * process is aborted when the module turns out to be absent.
 *
 * With SALLOC_FALLBACK_SECRET, stacks are of locked memory, and salloc_call()
 * fails with ENOTSUP where that will not do. A child of fork() gets a copy of
 * secret memory that is made before; one that is made by clone() itself has
 * nothing there. Where that copy, or a lock on what was inherited, cannot be had,
 * the child's state is SALLOC_STATE_BROKEN: to touch blocks is SIGSEGV. Both kinds
 * of memory count against RLIMIT_MEMLOCK, with many kernels that of all processes
 * of the user together, root's too, where it is secret: salloc() fails with EAGAIN, ENOMEM or,
 * where that is 0, EPERM. salloc_guard() fails with ENOTSUP, and blocks cannot be
 * had after it had been asked for something.
 *
 * Return: 0, or -1 with errno set, and nothing has changed:
 *	EINVAL	unknown flags
 *	EBUSY	the process has blocks already, of a kind that is not in @flags, or
 *		that children have something else of
 */
int salloc_fallback(unsigned int flags);

/* What becomes of debuggers, salloc_guard(). */
#define SALLOC_GUARD_PARK	(1U << 0) /* while one watches, a thread that
					   * touches a block waits: so it is
					   * unless told otherwise
					   */
#define SALLOC_GUARD_REFUSE	(1U << 1) /* it gets SIGBUS; a system call gets
					   * EFAULT
					   */
#define SALLOC_GUARD_HIDE	(1U << 2) /* none can read the registers of
					   * this process; not to be taken back
					   */

/**
 * salloc_guard - say what becomes of debuggers
 * @flags: SALLOC_GUARD_*; what is not mentioned stays as it is
 *
 * In force at once if the process has blocks, else from the first block on; in
 * children made by fork() too, but not after exec(). Refusing can be taken back
 * by SALLOC_GUARD_PARK, hiding cannot. Blocks are never had without what was
 * asked for: salloc() and the like fail then.
 *
 * Return: 0, or -1 with errno set, and nothing has changed:
 *	EINVAL	unknown flags; or to park and to refuse
 *	ENOSYS	the kernel module is not loaded, or does not speak this
 *		library's version of its interface
 *	ENOTSUP	the module is one that cannot do this
 *	EACCES, EPERM, EMFILE, ENFILE, ENOMEM, EBADF, EINTR
 *		/dev/cryptmem cannot be opened or asked, for the reasons above
 */
int salloc_guard(unsigned int flags);

/**
 * salloc_version - the version of the library that is running, "0.1.0"
 *
 * Return: a string that need not be freed.
 */
const char *salloc_version(void);

#ifdef __cplusplus
}
#endif

#undef SALLOC_SIZE
#undef SALLOC_MUST_USE
#undef SALLOC_FREED_BY

#endif /* SALLOC_H */
