// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "ops.h"

#define RW (PROT_READ | PROT_WRITE)

static int any_prot(struct world *w)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW, RW, RW };

	return prots[model_any(w, 5)];
}

void ops_open_device(struct world *w)
{
	if (w->device >= 0)
		close(w->device);
	w->device = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
	expect(w, w->device >= 0, "cannot open the device: %m");
}

static void op_map(struct world *w)
{
	size_t n, first = model_range(w, 24, &n);
	int prot = model_any(w, 4) ? RW : any_prot(w);
	void *at = mmap(model_at(first), n * PAGE, prot, MAP_SHARED | MAP_FIXED, w->device, 0);

	expect(w, at == model_at(first), "mmap of %zu pages: %m", n);
	model_map(w, first, n, prot);
}

/* What must not be had. Without MAP_FIXED: a failure leaves all as it is. */
static void op_map_badly(struct world *w)
{
	static const struct {
		int prot, flags, offset, err;
	} bad[] = { { RW, MAP_PRIVATE, 0, EINVAL }, { RW, MAP_SHARED, 4096, EINVAL }, { RW | PROT_EXEC, MAP_SHARED, 0, EACCES } };
	unsigned long i = model_any(w, 3);
	void *at = mmap(NULL, PAGE, bad[i].prot, bad[i].flags, w->device, bad[i].offset);

	expect(w, at == MAP_FAILED && errno == bad[i].err, "bad mmap %lu: %m", i);
}

static void op_unmap(struct world *w)
{
	size_t n, first = model_range(w, 12, &n);

	expect(w, !munmap(model_at(first), n * PAGE), "munmap: %m");
	model_unmap(w, first, n);
}

static void op_protect(struct world *w)
{
	size_t n, first = model_range(w, 8, &n), done = model_mapped_from(w, first, n);
	int prot = any_prot(w), result = mprotect(model_at(first), n * PAGE, prot);

	expect(w, done == n ? !result : result && errno == ENOMEM, "mprotect of %zu pages, %zu mapped: %m", n, done);
	if (done)
		model_split(w, first, done);
	for (size_t i = first; i < first + done; i++)
		w->page[i].prot = prot;
}

static void op_protect_exec(struct world *w)
{
	size_t n, first;

	if (model_usable(w, 0, 4, &first, &n))
		expect(w, mprotect(model_at(first), n * PAGE, RW | PROT_EXEC) && errno == EACCES, "made executable: %m");
}

static void op_move(struct world *w)
{
	size_t n, first, to;
	void *at;

	if (!model_usable(w, 0, 12, &first, &n))
		return;
	for (size_t i = 1; i < n; i++)
		if (w->page[first + i].vma != w->page[first].vma)
			n = i;
	to = model_any(w, PAGES - n + 1);
	if (to < first + n && first < to + n)
		return;
	at = mremap(model_at(first), n * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, model_at(to));
	expect(w, at == model_at(to), "mremap of %zu pages from %zu to %zu: %m", n, first, to);
	model_split(w, first, n);
	model_split(w, to, n);
	w->vmas++;
	for (size_t i = 0; i < n; i++) {
		w->page[to + i] = w->page[first + i];
		w->page[to + i].vma = w->vmas;
		w->page[first + i].mapped = false;
		memcpy(model_shadow(to + i), model_shadow(first + i), PAGE);
	}
}

static void op_grow(struct world *w)
{
	size_t n, first;

	if (model_usable(w, 0, 1, &first, &n))
		expect(w, mremap(model_at(first), PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED, "a region grew");
}

static void op_load(struct world *w)
{
	model_check(w, model_any(w, PAGES));
}

static void op_store(struct world *w)
{
	unsigned char text[300];
	size_t page = model_any(w, PAGES), at = model_any(w, PAGE - sizeof(text)), length = 1 + model_any(w, sizeof(text));
	const struct page *p = &w->page[page];
	int number;

	model_fill(w, text, length);
	number = guarded_copy(model_at(page) + at, text, length);
	if (p->mapped && p->prot == RW) {
		expect(w, !number, "a store to page %zu gives signal %d", page, number);
		memcpy(model_shadow(page) + at, text, length);
	} else {
		expect(w, number == SIGSEGV, "a store to page %zu, which cannot be, gives signal %d", page, number);
	}
}

/* Every byte of it: there is always something to be found out. */
static void op_fill(struct world *w)
{
	unsigned char text[PAGE];
	size_t n, first;

	if (!model_usable(w, RW, 4, &first, &n))
		return;
	for (size_t i = first; i < first + n; i++) {
		model_fill(w, text, PAGE);
		memcpy(model_at(i), text, PAGE);
		memcpy(model_shadow(i), text, PAGE);
	}
}

/* A lot of pages at a time, so that there is always something that has to go out. */
static void op_store_many(struct world *w)
{
	size_t n, first;

	if (!model_usable(w, RW, 40, &first, &n))
		return;
	for (size_t i = first; i < first + n; i++) {
		unsigned long word = model_word(w);
		size_t at = 8 * model_any(w, PAGE / 8);

		memcpy(model_at(i) + at, &word, 8);
		memcpy(model_shadow(i) + at, &word, 8);
	}
}

/* read(), readv() and the like fill what they say. */
static void op_read(struct world *w)
{
	unsigned char text[600];
	size_t n, first, at = model_any(w, PAGE), length = 1 + model_any(w, sizeof(text));
	struct iovec part[2];
	ssize_t got;

	if (!model_usable(w, RW, 2, &first, &n))
		return;
	if (length > n * PAGE - at)
		length = n * PAGE - at;
	model_fill(w, text, length);
	part[0] = (struct iovec){ model_at(first) + at, length / 2 };
	part[1] = (struct iovec){ model_at(first) + at + length / 2, length - length / 2 };
	if (model_any(w, 2)) {
		expect(w, pwrite(w->file, text, length, 0) == (ssize_t)length, "pwrite: %m");
		got = preadv(w->file, part, 2, 0);
	} else {
		expect(w, write(w->pipe[1], text, length) == (ssize_t)length, "write to a pipe: %m");
		got = read(w->pipe[0], part[0].iov_base, length);
	}
	expect(w, got == (ssize_t)length, "%zd of %zu bytes were read to page %zu: %m", got, length, first);
	memcpy(model_shadow(first) + at, text, length);
}

static void op_write(struct world *w)
{
	unsigned char text[600];
	size_t n, first, at = model_any(w, PAGE), length = 1 + model_any(w, sizeof(text));
	ssize_t done;

	if (!model_usable(w, PROT_READ, 2, &first, &n))
		return;
	if (length > n * PAGE - at)
		length = n * PAGE - at;
	if (model_any(w, 2)) {
		done = pwrite(w->file, model_at(first) + at, length, 0);
		expect(w, pread(w->file, text, length, 0) == (ssize_t)length, "pread: %m");
	} else {
		done = write(w->pipe[1], model_at(first) + at, length);
		expect(w, done <= 0 || read(w->pipe[0], text, (size_t)done) == done, "read from a pipe: %m");
	}
	expect(w, done == (ssize_t)length, "%zd of %zu bytes of page %zu were written: %m", done, length, first);
	expect(w, !memcmp(text, model_shadow(first) + at, length), "page %zu was written out wrongly", first);
}

static void op_cannot_read(struct world *w)
{
	size_t page = model_any(w, PAGES);

	if (w->page[page].mapped && w->page[page].prot == RW)
		return;
	expect(w, write(w->pipe[1], "x", 1) == 1, "write to a pipe: %m");
	expect(w, read(w->pipe[0], model_at(page), 1) < 0 && errno == EFAULT, "read() to what cannot be written: %m");
	expect(w, read(w->pipe[0], &page, 1) == 1, "it took the byte");
}

/* One request, by a ring of its own. */
static int ring(struct world *w, int opcode, bool async, int fd, void *address, size_t length)
{
	struct io_uring_params p = { 0 };
	int r = (int)syscall(SYS_io_uring_setup, 1, &p), result;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	size_t size;
	char *map;

	if (r < 0)
		return -ENOSYS;
	size = p.cq_off.cqes + p.cq_entries * sizeof(*cqe);
	map = mmap(NULL, size, RW, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_SQES);
	expect(w, map != MAP_FAILED && sqe != MAP_FAILED && p.features & IORING_FEAT_SINGLE_MMAP, "ring: %m");
	sqe->opcode = (unsigned char)opcode;
	sqe->fd = fd;
	sqe->addr = (unsigned long)address;
	sqe->len = (unsigned int)length;
	if (async)
		sqe->flags = IOSQE_ASYNC;
	((unsigned int *)(map + p.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned int *)(map + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	while (syscall(SYS_io_uring_enter, r, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		expect(w, errno == EINTR, "io_uring_enter: %m");
	cqe = (struct io_uring_cqe *)(map + p.cq_off.cqes);
	result = cqe->res;
	munmap(map, size);
	munmap(sqe, PAGE);
	close(r);
	return result;
}

static void op_ring(struct world *w)
{
	unsigned char text[200];
	size_t n, first, at = model_any(w, PAGE - sizeof(text));
	/* Drawn even where there are no rings. */
	bool read_async = model_any(w, 2), write_async = model_any(w, 2);
	int result;

	if (!model_usable(w, RW, 1, &first, &n))
		return;
	model_fill(w, text, sizeof(text));
	expect(w, pwrite(w->file, text, sizeof(text), 0) == sizeof(text), "pwrite: %m");
	result = ring(w, IORING_OP_READ, read_async, w->file, model_at(first) + at, sizeof(text));
	if (result == -ENOSYS)
		return;
	/* A worker of the kernel's is nobody that may see plaintext. */
	expect(w, result == sizeof(text) || result == -EFAULT, "a ring's read: %d", result);
	if (result > 0)
		memcpy(model_shadow(first) + at, text, sizeof(text));
	result = ring(w, IORING_OP_WRITE, write_async, w->file, model_at(first) + at, sizeof(text));
	expect(w, result == sizeof(text) || result == -EFAULT, "a ring's write: %d", result);
	if (result < 0)
		return;
	expect(w, pread(w->file, text, sizeof(text), 0) == sizeof(text), "pread: %m");
	expect(w, !memcmp(text, model_shadow(first) + at, sizeof(text)), "page %zu was written out wrongly by a ring", first);
}

/* All that is not about broken memory. What it says does not matter: the contents do. */
static void op_advise(struct world *w)
{
	static const int advice[] = { 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25 };
	size_t n, first = model_range(w, 6, &n), done;
	int what = advice[model_any(w, sizeof(advice) / sizeof(advice[0]))];

	if (what == MADV_DONTFORK && model_any(w, 4))
		return;
	done = model_mapped_from(w, first, n);
	if (what == MADV_DONTFORK && done != n)
		return;
	if (!madvise(model_at(first), n * PAGE, what) && what == MADV_DONTFORK)
		for (size_t i = first; i < first + n; i++)
			w->page[i].nofork = true;
	model_split(w, first, n);
	for (size_t i = first; i < first + n; i++)
		model_check(w, i);
}

static void op_lock(struct world *w)
{
	size_t n, first = model_range(w, 6, &n);
	unsigned char vec[8];
	int (*const calls[])(const void *, size_t) = { mlock, munlock };

	if (model_any(w, 2))
		calls[model_any(w, 2)](model_at(first), n * PAGE);
	else
		mincore(model_at(first), n * PAGE, vec);
	msync(model_at(first), n * PAGE, MS_SYNC);
	model_split(w, first, n);
}

static void op_status(struct world *w)
{
	struct cryptmem_status s = { .size = sizeof(s) };
	unsigned long mapped = 0;

	expect(w, !ioctl(w->device, CRYPTMEM_IOC_STATUS, &s), "STATUS: %m");
	for (size_t i = 0; i < PAGES; i++)
		mapped += w->page[i].mapped;
	expect(w, w->noise || s.mapped_pages == mapped, "STATUS: %llu pages are mapped, not %lu", (unsigned long long)s.mapped_pages, mapped);
	expect(w, !(s.state & (CRYPTMEM_STATE_LOCKED | CRYPTMEM_STATE_BROKEN)) && !s.tampered, "STATUS: state %#x", s.state);
	expect(w, s.window_pages <= s.window, "STATUS: %llu pages in a window of %u", (unsigned long long)s.window_pages, s.window);
}

static void op_config(struct world *w)
{
	struct cryptmem_config c = { .size = sizeof(c), .window = (unsigned int)model_any(w, 72) };
	int result = ioctl(w->device, CRYPTMEM_IOC_CONFIG, &c);
	bool good = !c.window || c.window >= 8;

	expect(w, good ? !result : result && errno == ERANGE, "CONFIG, window %u: %m", c.window);
	c.flags = 1U << (3 + model_any(w, 29));
	expect(w, ioctl(w->device, CRYPTMEM_IOC_CONFIG, &c) && errno == EINVAL, "CONFIG, flags %#x: %m", c.flags);
}

static void op_discard(struct world *w)
{
	size_t n, first = model_range(w, 6, &n), done = model_mapped_from(w, first, n);
	struct cryptmem_discard d = { .size = sizeof(d), .addr = (unsigned long)model_at(first), .len = n * PAGE };
	int result = ioctl(w->device, CRYPTMEM_IOC_DISCARD, &d);

	expect(w, done == n ? !result : result && errno == ENOMEM, "DISCARD of %zu pages, %zu mapped: %m", n, done);
	model_zero(first, done);
}

static void op_reopen(struct world *w)
{
	ops_open_device(w);
}

/* What makes no difference to who reads it himself. */
static void op_own_ways(struct world *w)
{
	unsigned char got[PAGE];
	size_t n, first;
	struct iovec mine = { got, sizeof(got) }, theirs;
	int fd;

	if (!model_usable(w, PROT_READ, 1, &first, &n))
		return;
	theirs = (struct iovec){ model_at(first), sizeof(got) };
	expect(w, process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0) < 0, "process_vm_readv() of itself works");
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (pread(fd, got, sizeof(got), (off_t)model_at(first)) > 0)
		expect(w, !model_leaked(first, got, sizeof(got)), "/proc/self/mem has page %zu", first);
	expect(w, pwrite(fd, got, sizeof(got), (off_t)model_at(first)) <= 0, "/proc/self/mem writes to page %zu", first);
	close(fd);
}

const struct op ops_memory[] = {
	{ "map", 20, op_map },
	{ "map badly", 2, op_map_badly },
	{ "unmap", 8, op_unmap },
	{ "protect", 10, op_protect },
	{ "protect, executable", 2, op_protect_exec },
	{ "move", 10, op_move },
	{ "grow", 2, op_grow },
	{ "load", 60, op_load },
	{ "store", 60, op_store },
	{ "fill", 15, op_fill },
	{ "store to many", 25, op_store_many },
	{ "read()", 20, op_read },
	{ "write()", 20, op_write },
	{ "read(), cannot be", 6, op_cannot_read },
	{ "ring", 6, op_ring },
	{ "advise", 15, op_advise },
	{ "lock", 6, op_lock },
	{ "STATUS", 6, op_status },
	{ "CONFIG", 6, op_config },
	{ "DISCARD", 10, op_discard },
	{ "open", 3, op_reopen },
	{ "own ways", 4, op_own_ways },
	{ NULL, 0, NULL },
};
