/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * cryptmem: what crosses the border between the kernel module and user space.
 *
 * A process opens /dev/cryptmem and maps it MAP_SHARED, at offset 0: every
 * mmap() makes a new region. All private regions of a process belong to one
 * domain: one key, one window, sealed and unsealed together. The descriptor is
 * bound to the address space (mm) that opened it: in any other process, after
 * fork() or exec() as well, mmap() and the ioctls below, QUERY apart, give
 * EPERM. The descriptor may be closed once the regions are mapped.
 *
 * Rules of this interface:
 *  - Every struct starts with its size in bytes, set by the caller. It can only
 *    grow, at its end. A larger struct from a newer program is accepted as long
 *    as the tail that the module does not know is zero, and the whole is not
 *    larger than a page (else E2BIG); a smaller one from an older program is
 *    taken as if zero filled. Less than the first version's size: EINVAL.
 *  - Flags that the module does not know: EINVAL. Reserved fields must be zero.
 *  - Sizes are bytes, counts of pages are pages of CRYPTMEM_QUERY's page_size,
 *    times are nanoseconds.
 */
#ifndef _UAPI_CRYPTMEM_H
#define _UAPI_CRYPTMEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CRYPTMEM_DEVICE		"/dev/cryptmem"
#define CRYPTMEM_ABI_VERSION	1
#define CRYPTMEM_CIPHER_LEN	24

/* Features, struct cryptmem_query.features */
#define CRYPTMEM_FEAT_AUTHENTICATED	(1ULL << 0) /* tampering is detected */
#define CRYPTMEM_FEAT_STRICT		(1ULL << 1) /* sealed at each switch */
#define CRYPTMEM_FEAT_GUARD		(1ULL << 2) /* debuggers are parked out */
#define CRYPTMEM_FEAT_FOREIGN_WRITE	(1ULL << 3) /* foreign writes lock */
#define CRYPTMEM_FEAT_FORK		(1ULL << 4) /* fork copies, new key */
#define CRYPTMEM_FEAT_DISCARD		(1ULL << 5) /* CRYPTMEM_IOC_DISCARD */
#define CRYPTMEM_FEAT_POLICY		(1ULL << 6) /* CRYPTMEM_CONFIG_* */

/**
 * struct cryptmem_query - what the module is and can do
 * @size: in: sizeof(struct cryptmem_query); out: what the module filled in
 * @abi: CRYPTMEM_ABI_VERSION of the module
 * @features: CRYPTMEM_FEAT_*
 * @page_size: bytes in a page, the grain of a region
 * @window_default: pages of the window that a new domain gets
 * @window_min: smallest window that CRYPTMEM_IOC_CONFIG accepts, pages
 * @window_max: largest window that CRYPTMEM_IOC_CONFIG accepts, pages
 * @max_regions: regions that one user may have, over all processes
 * @max_pages: pages that one user may map, over all processes
 * @cipher: the kernel's name of the cipher in use, NUL terminated
 *
 * Should be the first call on a descriptor. Works on any descriptor of the
 * device, bound to the caller or not.
 */
struct cryptmem_query {
	__u32 size;
	__u32 abi;
	__u64 features;
	__u32 page_size;
	__u32 window_default;
	__u32 window_min;
	__u32 window_max;
	__u64 max_regions;
	__u64 max_pages;
	char cipher[CRYPTMEM_CIPHER_LEN];
};

/* State of a domain, struct cryptmem_status.state */
#define CRYPTMEM_STATE_ACTIVE	(1U << 0) /* owns at least one region */
#define CRYPTMEM_STATE_TRACED	(1U << 1) /* a debugger or uprobe is on it, or
					   * somebody watches the functions that
					   * fetch user memory unseen: then all
					   * wait, and nobody is refused
					   */
#define CRYPTMEM_STATE_LOCKED	(1U << 2) /* altered from outside: sealed
					   * until the process exits
					   */
#define CRYPTMEM_STATE_BROKEN	(1U << 3) /* memory ran out as fork() copied its
					   * pages, or what it had was dropped
					   * (hibernation, reboot): its regions
					   * give SIGBUS
					   */
#define CRYPTMEM_STATE_REFUSES	(1U << 4) /* CRYPTMEM_CONFIG_REFUSE is set */
#define CRYPTMEM_STATE_HIDES	(1U << 5) /* CRYPTMEM_CONFIG_HIDE is set */

/**
 * struct cryptmem_status - the calling process's domain, and its counters
 * @size: in: sizeof(struct cryptmem_status); out: what the module filled in
 * @state: CRYPTMEM_STATE_*
 * @regions: regions the process owns now
 * @window: pages the window may hold now
 * @mapped_pages: pages of address space that the regions cover
 * @used_pages: pages written, and not discarded since
 * @window_pages: pages in the window now
 * @seals: pages encrypted
 * @clean_seals: pages wiped only, their ciphertext being still good
 * @unseals: pages decrypted
 * @faults: page faults served
 * @evictions: pages put out of a full window
 * @parked: times that a thread was parked because of a debugger
 * @refused: reads answered with ciphertext or refused, writes refused, registers
 *	not shown, and touches answered with SIGBUS (CRYPTMEM_CONFIG_REFUSE)
 * @tampered: pages whose ciphertext failed its authentication
 * @switch_seals: times that the domain was sealed at a context switch
 * @seal_ns: time spent sealing and unsealing at context switches, in total
 * @seal_ns_max: the longest such time
 * @plain_ns: time in which pages were plaintext
 * @user_regions: regions that the user has, over all processes: of
 *	cryptmem_query.max_regions
 * @user_pages: pages that they cover: of cryptmem_query.max_pages
 */
struct cryptmem_status {
	__u32 size;
	__u32 state;
	__u32 regions;
	__u32 window;
	__u64 mapped_pages;
	__u64 used_pages;
	__u64 window_pages;
	__u64 seals;
	__u64 clean_seals;
	__u64 unseals;
	__u64 faults;
	__u64 evictions;
	__u64 parked;
	__u64 refused;
	__u64 tampered;
	__u64 switch_seals;
	__u64 seal_ns;
	__u64 seal_ns_max;
	__u64 plain_ns;
	__u64 user_regions;
	__u64 user_pages;
};

/* What a process wants of the guard, struct cryptmem_config.flags */
#define CRYPTMEM_CONFIG_PARK	(1U << 0) /* while a debugger watches, a thread
					   * that touches a region waits: so it
					   * is unless told otherwise
					   */
#define CRYPTMEM_CONFIG_REFUSE	(1U << 1) /* it gets SIGBUS; a system call gets
					   * EFAULT
					   */
#define CRYPTMEM_CONFIG_HIDE	(1U << 2) /* a debugger cannot read registers
					   * either (EPERM), up to exec
					   */

/**
 * struct cryptmem_config - settings of the calling process's domain
 * @size: sizeof(struct cryptmem_config)
 * @flags: CRYPTMEM_CONFIG_*; what is not mentioned stays as it is. PARK and
 *	REFUSE together are EINVAL, HIDE cannot be taken back. A child made by
 *	fork() inherits them.
 * @window: pages the window may hold, from window_min to window_max; from then
 *	on it neither grows nor shrinks. 0 leaves it as it is. ERANGE when
 *	outside.
 * @reserved: must be 0
 */
struct cryptmem_config {
	__u32 size;
	__u32 flags;
	__u32 window;
	__u32 reserved;
};

/**
 * struct cryptmem_discard - give pages of regions back; they read as zero then
 * @size: sizeof(struct cryptmem_discard)
 * @flags: must be 0
 * @addr: first byte, page aligned
 * @len: bytes, a multiple of the page size, not 0
 *
 * Errors: EINVAL unaligned or empty, EOVERFLOW the range wraps, ENOMEM part of
 * the range is not a region of the caller (what comes before it is discarded).
 */
struct cryptmem_discard {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u64 len;
};

#define CRYPTMEM_IOC_MAGIC	0xCB
/*
 * The size is the struct's first field, so that the request number stays the
 * same while the struct grows: it carries no size.
 */
#define CRYPTMEM_IOC_QUERY	_IO(CRYPTMEM_IOC_MAGIC, 0)
#define CRYPTMEM_IOC_STATUS	_IO(CRYPTMEM_IOC_MAGIC, 1)
#define CRYPTMEM_IOC_CONFIG	_IO(CRYPTMEM_IOC_MAGIC, 2)
#define CRYPTMEM_IOC_DISCARD	_IO(CRYPTMEM_IOC_MAGIC, 3)

#endif /* _UAPI_CRYPTMEM_H */
