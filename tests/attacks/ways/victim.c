// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim malloc|memfd|memfd_secret|salloc [MODE]: has a secret and works with it, until it is killed. Exit 77: no such memory here.
 *
 * MODE	loop	two threads look at the secret, sleep a little, and call the code pointer (the default)
 *	busy	the same without sleeping
 *	compute	busy, with words of the secret in registers much of the time
 *	followed	busy, with stack and frame pointer pointing into the secret much of the time
 *	parting	one thread loops, and others, one after the other, exit with stack and frame pointer pointing into the secret
 *	left	one thread is busy, another naps on a CPU where nobody else of the victim's is: with two CPUs, who follows it there has its page tables
 *	end	it looks once, and at ->command 1 frees the secret and sleeps, at 2 becomes another program, at 3 exits
 *	sleep	it looks once, and sleeps for ever
 *	pair	the first thread sleeps, a second one works as in loop
 *	clone_vm, vfork		the same, and there is another process with its memory (->other), asleep
 *	inside	as pair; at ->command 1 the first thread enters a function, ->ready 2, and leaves it at ->command 2, ->ready 3
 *	jump	as pair; at ->command 1 the first thread jumps into the secret, which is no code
 *	second	as pair; at ->command 1, ->ready 2, it gets more memory of the kind, and uses that
 *	late	as loop, but it gets the memory only at ->command 1, ->ready 2, and makes the secret at ->command 2, ->ready 3
 *	spin	as late, but in a second thread (->other) that never sleeps, while the first one does; at ->command 3 it goes on as in loop
 *	fork	as late; at ->command 3 it forks, and from then on the child (->other) works instead
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <salloc.h>

#include "../machine.h"
#include "prey.h"

#define NO_SUCH_MEMORY	77

static unsigned char *secret;
static bool sleepy = true;

/* Word to play with: an attacker may write here, or read. */
static volatile long ordinary = 0x6f7264696e617279;

static void nothing(void)
{
}

/* In writable memory, as the GOT, C++ objects and callbacks are. */
static void (*volatile callback)(void) = nothing;

/* And in memory that is shared. */
static void (*volatile *shared_callback)(void);

static void share(void)
{
	shared_callback = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared_callback == MAP_FAILED)
		exit(2);
	*shared_callback = nothing;
	prey->shared = (uintptr_t)shared_callback;
}

static void *obtain(const char *memory)
{
	void *p = NULL;
	int fd;

	if (strcmp(memory, "malloc") == 0)
		return aligned_alloc(4096, PREY_BYTES);
	if (strcmp(memory, "salloc") == 0)
		return salloc(PREY_BYTES);
	if (strcmp(memory, "memfd_secret") == 0) {
		fd = (int)syscall(SYS_memfd_secret, 0);
		if (fd < 0 || ftruncate(fd, PREY_BYTES))
			exit(NO_SUCH_MEMORY);
		/* Left open, as the manual's examples do. */
		p = mmap(NULL, PREY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	if (strcmp(memory, "memfd") == 0) {
		fd = memfd_create("prey", 0);
		if (fd < 0 || ftruncate(fd, PREY_BYTES))
			return NULL;
		p = mmap(NULL, PREY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	fprintf(stderr, "victim: %s: no such kind of memory\n", memory);
	exit(2);
}

#ifdef SYS_pause
#define WAIT	SYS_pause
#else
#define WAIT	SYS_ppoll	/* for nothing */
#endif

/* Not through the GOT, which an attacker may have changed. */
static long raw(long number)
{
	long ret;

#ifdef __x86_64__
	__asm__ volatile("syscall" : "=a"(ret) : "0"(number) : "rcx", "r11", "memory");
#else
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = 0;

	/* Arguments are zero. */
	__asm__ volatile("mov x1, #0\n\tmov x2, #0\n\tmov x3, #0\n\tmov x4, #0\n\tsvc #0"
			 : "+r"(x0) : "r"(x8) : "x1", "x2", "x3", "x4", "memory");
	ret = x0;
#endif
	return ret;
}

static void caught(int signal)
{
	pid_t pid = (pid_t)raw(SYS_getpid);

	/* Not that of a child which an attacker has made. */
	if (pid == prey->pid || pid == prey->other)
		prey->fault = signal;
	for (;;)
		raw(WAIT);
}

/* Looks at every byte of it. Not inlined: a place for breakpoints, and for code to be overwritten. */
void use_secret(void);
__attribute__((noinline)) void use_secret(void)
{
	long wrong = 0;

	for (size_t i = 0; i < PREY_BYTES; i++)
		wrong += secret[i] != prey_byte(prey->seed, i);
	prey->wrong += wrong != 0;
	prey->rounds++;
}

/* As a cipher with its key does: words in registers while it counts; in the order of perf, in that of the kernel's stack, and in a vector. */
static void compute(void)
{
#ifdef __x86_64__
	__asm__ volatile("movq (%0), %%r12\n\tmovq 8(%0), %%r13\n\tmovq 16(%0), %%r15\n\tmovq 24(%0), %%r14\n\tmovdqu 32(%0), %%xmm6\n"
			 "mov $3000000, %%ecx\n1:\tdec %%ecx\n\tjnz 1b"
			 : : "r"(secret) : "r12", "r13", "r14", "r15", "rcx", "xmm6", "cc");
#else
	__asm__ volatile("ldp x20, x21, [%0]\n\tldp x22, x23, [%0, #16]\n\tldr q6, [%0, #32]\n\t"
			 "mov w9, #3000000 & 0xffff\n\tmovk w9, #3000000 >> 16, lsl #16\n1:\tsubs w9, w9, #1\n\tb.ne 1b"
			 : : "r"(secret) : "x20", "x21", "x22", "x23", "x9", "v6", "cc");
#endif
}

/*
 * Who follows frame pointers finds the words of the secret where return addresses should be, one after the other. The kernel goes up only,
 * from the stack pointer, which is in the secret too.
 */
static void be_followed(void)
{
	for (size_t i = 0; i < 32; i++)
		machine_be_followed((uintptr_t)(secret + 1024 + i * 8), (uintptr_t)(secret + 512));
}

/* Exits, with its pointers in the secret: it has its page tables when it has no address space any more. */
static void *part(void *at)
{
#ifdef __x86_64__
	__asm__ volatile("mov %1, %%rsp\n\tmov %0, %%rbp\n\tsyscall" : : "r"(at), "r"(secret + 512), "a"(SYS_exit), "D"(0));
#else
	register long number __asm__("x8") = SYS_exit, status __asm__("x0") = 0;

	__asm__ volatile("mov sp, %1\n\tmov x29, %0\n\tsvc #0" : : "r"(at), "r"(secret + 512), "r"(number), "r"(status));
#endif
	__builtin_unreachable();
}

static void part_for_ever(void)
{
	pthread_t thread;

	for (size_t i = 0;; i = (i + 1) % 32) {
		use_secret();
		if (pthread_create(&thread, NULL, part, secret + 1024 + i * 8) == 0)
			pthread_join(thread, NULL);
	}
}

static bool computes, followed;

static void *work(void *unused)
{
	(void)unused;
	for (;;) {
		use_secret();
		if (computes)
			compute();
		if (followed)
			be_followed();
		callback();
		(*shared_callback)();
		if (sleepy)
			usleep(10000);
	}
	return NULL;
}

void confess(void);
__attribute__((noinline)) void confess(void)
{
	for (size_t i = 0; i < PREY_BYTES; i++)
		prey->loot[i] = secret[i];
	for (;;)
		raw(WAIT);
}

void spare(void);
__attribute__((noinline)) void spare(void)
{
#ifdef __x86_64__
	__asm__ volatile(".fill 256, 1, 0x90");
#else
	/* At PREY_CALL: a call; then on to x9, if that is something, or wait. */
	__asm__ volatile(".fill 64, 4, 0xd503201f\n\tsvc #0\n\tcbz x9, 1f\n\tbr x9\n"
			 "1:\tmov x8, %0\n\tmov x0, #0\n\tmov x1, #0\n\tmov x2, #0\n\tmov x3, #0\n\tmov x4, #0\n\tsvc #0\n\tb 1b" : : "i"(WAIT));
#endif
}

static void make_secret(void)
{
	for (size_t i = 0; i < PREY_BYTES; i++)
		secret[i] = prey_byte(prey->seed, i);
	prey->secret = (uintptr_t)secret;
	use_secret();
}

static void command(int which)
{
	while (prey->command < which)
		usleep(1000);
}

_Noreturn static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* Not by salloc(), which looks at what it has first, and so waits for a tracer to go. */
static unsigned char *obtain_more(const char *memory)
{
	if (strcmp(memory, "salloc"))
		return obtain(memory);
	return mmap(NULL, PREY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, open("/dev/cryptmem", O_RDWR | O_CLOEXEC), 0);
}

void stay_inside(void);
__attribute__((noinline)) void stay_inside(void)
{
	prey->ready = 2;
	command(2);
}

static int other(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prey->other = (pid_t)syscall(SYS_getpid);
	sleep_for_ever();
}

static void *with_vfork(void *unused)
{
	if (vfork() == 0)
		other(NULL);
	return unused;
}

/* The first thread of the modes that have one which sleeps. */
static void accompany(const char *memory, const char *mode)
{
	static char stack[65536] __attribute__((aligned(16)));
	pthread_t thread;
	unsigned char *more;

	if (strcmp(mode, "clone_vm") == 0)
		clone(other, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	if (strcmp(mode, "vfork") == 0)
		pthread_create(&thread, NULL, with_vfork, NULL);
	while ((strcmp(mode, "clone_vm") == 0 || strcmp(mode, "vfork") == 0) && !prey->other)
		usleep(1000);
	prey->ready = 1;
	if (strcmp(mode, "second") == 0) {
		command(1);
		more = obtain_more(memory);
		for (size_t i = 0; i < PREY_BYTES; i++)
			more[i] = (unsigned char)i;
		prey->ready = 2;
	}
	if (strcmp(mode, "inside") == 0) {
		command(1);
		stay_inside();
		prey->ready = 3;
	}
	if (strcmp(mode, "jump") == 0) {
		command(1);
#ifdef __x86_64__
		__asm__ volatile("jmp *%0" : : "r"(secret));
#else
		__asm__ volatile("br %0" : : "r"(secret));
#endif
	}
	sleep_for_ever();
}

/* Each in its way. */
static void end(const char *memory)
{
	prey->ready = 1;
	command(1);
	/* What is not in use has left the window, and cannot be caught. */
	use_secret();
	if (prey->command == 2)
		execl("/bin/sleep", "sleep", "1000", (char *)NULL);
	if (prey->command != 1)
		_exit(0);
	if (strcmp(memory, "malloc") == 0)
		free(secret);
	else if (strcmp(memory, "salloc") == 0)
		sfree(secret);
	else
		munmap(secret, PREY_BYTES);
	prey->ready = 2;
	sleep_for_ever();
}

/* What the thread that runs here is moved to. */
static void on_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *nap_elsewhere(void *unused)
{
	(void)unused;
	on_cpu(1);
	for (;;)
		usleep(500);
	return NULL;
}

/* It works on one CPU, as nobody but the napper is on the other. */
static void leave_tables(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, nap_elsewhere, NULL);
	on_cpu(0);
	prey->ready = 1;
	work(NULL);
}

static void *spin(void *memory)
{
	prey->other = gettid();
	prey->ready = 1;
	command(1);
	secret = obtain(memory);
	if (!secret)
		exit(2);
	memset(secret, 0, PREY_BYTES);
	prey->ready = 2;
	while (prey->command < 2)
		continue;
	make_secret();
	prey->ready = 3;
	while (prey->command < 3)
		continue;
	return work(NULL);
}

/* The process works on, as its child. */
static void go_on_in_child(void)
{
	prey->ready = 3;
	command(3);
	if (fork()) {
		prey->ready = 4;
		sleep_for_ever();
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prey->other = getpid();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "loop";
	struct sigaction action = { .sa_handler = caught };
	bool late = strcmp(mode, "late") == 0 || strcmp(mode, "fork") == 0;
	pthread_t thread;

	if (argc < 2 || !getenv("PREY")) {
		fprintf(stderr, "usage: PREY=FILE victim malloc|memfd|memfd_secret|salloc [MODE]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prey_setup();
	/* No handler that an attacker has set runs within this one, where another SIGBUS would be the end. */
	sigfillset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
	prey->pid = getpid();
	share();
	prey->callback = (uintptr_t)&callback;
	prey->ordinary = (uintptr_t)&ordinary;
	prey->code = (uintptr_t)use_secret;
	prey->confess = (uintptr_t)confess;
	prey->inside = (uintptr_t)stay_inside;
	prey->spare = (uintptr_t)spare;
	prey->here = (uintptr_t)prey;
	computes = strcmp(mode, "compute") == 0;
	followed = strcmp(mode, "followed") == 0;
	sleepy = strcmp(mode, "busy") != 0 && strcmp(mode, "left") != 0 && !computes && !followed;
	if (strcmp(mode, "spin") == 0) {
		pthread_create(&thread, NULL, spin, argv[1]);
		sleep_for_ever();
	}
	if (late) {
		prey->ready = 1;
		command(1);
	}
	secret = obtain(argv[1]);
	if (!secret) {
		perror(argv[1]);
		return 2;
	}
	if (late) {
		prey->secret = (uintptr_t)secret;
		prey->ready = 2;
		command(2);
	}
	make_secret();
	if (strcmp(mode, "fork") == 0)
		go_on_in_child();
	if (strcmp(mode, "end") == 0)
		end(argv[1]);
	if (strcmp(mode, "left") == 0)
		leave_tables();
	if (strcmp(mode, "sleep") == 0) {
		prey->ready = 1;
		sleep_for_ever();
	}
	pthread_create(&thread, NULL, work, NULL);
	if (strcmp(mode, "loop") && strcmp(mode, "parting") && sleepy && !late)
		accompany(argv[1], mode);
	prey->ready = late ? 3 : 1;
	if (strcmp(mode, "parting") == 0)
		part_for_ever();
	work(NULL);
	return 0;
}
