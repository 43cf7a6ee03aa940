// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes the victim so that it will copy out the secret by itself, and leaves: nobody traces it when that happens.
 *	poketext poketext_run	code written over what the victim runs, by PTRACE_POKETEXT; where it is run next, or at once by PTRACE_SETREGS
 *	mem			the same through /proc/PID/mem, never attached
 *	callback callback_poke	a code pointer, by process_vm_writev() or PTRACE_POKEDATA
 *	callback_traced		the same while one thread is attached to, and the other one runs
 *	shared			one in memory that the victim shares with others, by /proc/PID/map_files
 *	got stack		an entry of the GOT; a return address of a thread that sleeps
 *	registers regset	the instruction pointer, by PTRACE_SETREGS or PTRACE_SETREGSET; detached before it runs
 *	user			the same, by PTRACE_POKEUSER
 *	thread fork		a thread, a child, made by an injected call, which runs on when the debugger has gone
 *	handler			a signal handler, set by an injected call
 *	sqpoll			an io_uring with a kernel thread that makes the victim's system calls for whoever has the ring
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "prey.h"
#include "tracer.h"

static unsigned char bytes[PREY_BYTES];
static int ends[2];	/* a pipe that the victim has, too */

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	prey_end();
	exit(2);
}

static void stop(void)
{
	must(tracer_stop(prey->pid), "stop");
}

static void stop_in_call(void)
{
	must(tracer_stop_in_call(prey->pid), "stop");
}

static const unsigned char *payload(void)
{
	return machine_jump(prey->confess);
}

static bool writev_word(uint64_t at, uint64_t word)
{
	struct iovec local = { &word, 8 }, remote = { (void *)(uintptr_t)at, 8 };

	return process_vm_writev(prey->pid, &local, 1, &remote, 1, 0) == 8;
}

static bool peek_words(uint64_t at, uint64_t *words, size_t count)
{
	struct iovec local = { words, count * 8 }, remote = { (void *)(uintptr_t)at, count * 8 };

	return process_vm_readv(prey->pid, &local, 1, &remote, 1, 0) == (ssize_t)(count * 8);
}

static void poketext(bool run)
{
	struct user_regs_struct regs;

	/* All of them: none may run what is half written. */
	must(tracer_stop_all(prey->pid), "stop");
	must(tracer_poke(prey->pid, run ? prey->spare : prey->code, payload(), MACHINE_JUMP) == MACHINE_JUMP, "poke");
	if (run) {
		machine_get_registers(prey->pid, &regs);
		machine_go_to(&regs, prey->spare);
		must(machine_set_registers(prey->pid, &regs), "SETREGS");
	}
	tracer_detach_all();
}

static void callback_poke(void)
{
	uint64_t target = prey->confess;

	stop();
	must(tracer_poke(prey->pid, prey->callback, &target, 8) == 8, "poke");
	tracer_detach(prey->pid);
}

static void callback_traced(void)
{
	must(ptrace(PTRACE_SEIZE, prey->pid, 0, 0) == 0, "seize");
	must(writev_word(prey->callback, prey->confess), "callback");
	usleep(500000);
	tracer_detach(prey->pid);
}

/* Where a file is mapped in the victim with these permissions. */
static void find_map(const char *file, const char *perms, uint64_t *from, uint64_t *to)
{
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", prey->pid);
	maps = fopen(path, "r");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, file) && strstr(line, perms) && sscanf(line, "%lx-%lx", from, to) == 2)
			break;
	must(maps && !feof(maps), file);
	fclose(maps);
}

/* Nothing is written to the victim: it maps the same memory. */
static void shared(void)
{
	uint64_t *map, from = 0, to = 0;
	char path[64];
	int fd;

	find_map("/dev/zero", " rw-s ", &from, &to);
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", prey->pid, from, to);
	fd = open(path, O_RDWR);
	map = fd < 0 ? MAP_FAILED : mmap(NULL, to - from, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, path);
	map[(prey->shared - from) / 8] = prey->confess;
	close(fd);
}

/* Every entry that has been resolved to a function of the C library. */
static void got(void)
{
	uint64_t text = 0, text_end = 0, data = 0, data_end = 0, word;
	int changed = 0;

	find_map("/libc.so", " r-xp ", &text, &text_end);
	find_map("/victim", " rw-p ", &data, &data_end);
	for (; data < data_end; data += 8) {
		must(peek_words(data, &word, 1), "read");
		if (word >= text && word < text_end)
			changed += writev_word(data, prey->confess);
	}
	must(changed, "GOT");
}

/* While it sleeps, the first address on its stack that is behind a call in what calls use_secret(). */
static void stack(void)
{
	uint64_t words[128], sp;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/syscall", prey->pid);
	/* It may have gone on in between: again, until it shows. */
	for (int i = 0; i < 200 && !prey->loot[0] && !prey->fault; i++) {
		FILE *file = fopen(path, "r");
		bool known = file && fgets(line, sizeof(line), file) &&
			     sscanf(line, "%*d %*s %*s %*s %*s %*s %*s %lx", &sp) == 1;

		if (file)
			fclose(file);
		for (size_t n = 0; known && peek_words(sp, words, 128) && n < 128; n++) {
			if (words[n] <= prey->code || words[n] > prey->code + 1024)
				continue;
			must(writev_word(sp + n * 8, prey->confess), "stack");
			break;
		}
		usleep(2000);
	}
}

static void registers(const char *how)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	stop();
	machine_get_registers(prey->pid, &regs);
	machine_go_to(&regs, prey->confess);
	if (strcmp(how, "regset") == 0)
		must(ptrace(PTRACE_SETREGSET, prey->pid, NT_PRSTATUS, &iov) == 0, how);
#ifdef __x86_64__
	else if (strcmp(how, "registers") == 0)
		must(ptrace(PTRACE_SETREGS, prey->pid, 0, &regs) == 0, how);
	else
		must(ptrace(PTRACE_POKEUSER, prey->pid, offsetof(struct user, regs.orig_rax), -1L) == 0 &&
		     ptrace(PTRACE_POKEUSER, prey->pid, offsetof(struct user, regs.rip), prey->confess) == 0, how);
#else
	else
		prey_tell("unavailable", "this machine has no such request");
#endif
	tracer_detach(prey->pid);
}

/* A new task, that returns from clone() to confess(): its stack has nothing else. (arm64: there is no need for that.) */
static pid_t clone_it(long flags)
{
	uint64_t words[64], at;
	pid_t made;

	stop_in_call();
	at = tracer_scratch(prey->pid) - 8192;
	for (int i = 0; i < 64; i++)
		words[i] = prey->confess;
	must(tracer_poke(prey->pid, at, words, sizeof(words)) == sizeof(words), "poke");
#ifndef __x86_64__
	tracer_next = prey->confess;
#endif
	made = (pid_t)tracer_call(prey->pid, SYS_clone, flags, (long)at, 0, 0, 0, 0);
	tracer_detach(prey->pid);
	must(made > 0, "clone");
	return flags & CLONE_THREAD ? 0 : made;
}

static void handler(void)
{
	uint64_t action[4] = { prey->confess, 0x04000000 /* SA_RESTORER */, prey->confess, 0 }, at;

	stop_in_call();
	at = tracer_scratch(prey->pid);
	must(tracer_poke(prey->pid, at, action, sizeof(action)) == sizeof(action), "poke");
	must(tracer_call(prey->pid, SYS_rt_sigaction, SIGUSR1, (long)at, 0, 8, 0, 0) == 0, "sigaction");
	tracer_detach(prey->pid);
	kill(prey->pid, SIGUSR1);
}

static void sqpoll(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 5000 };
	struct io_uring_sqe *sqe;
	unsigned char *ring;
	uint64_t at;
	long ours;
	int fd;

	stop_in_call();
	at = tracer_scratch(prey->pid);
	tracer_poke(prey->pid, at, &params, sizeof(params));
	ours = tracer_call(prey->pid, SYS_io_uring_setup, 4, (long)at, 0, 0, 0, 0);
	if (ours < 0)
		prey_tell("unavailable", "no io_uring here: %ld", ours);
	tracer_peek(prey->pid, at, &params, sizeof(params));
	tracer_detach(prey->pid);

	fd = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, prey->pid, 0), (int)ours, 0);
	ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	must(ring != MAP_FAILED && sqe != MAP_FAILED, "ring");
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_WRITE;
	sqe->fd = ends[1];
	sqe->addr = prey->secret;
	sqe->len = PREY_BYTES;
	((uint32_t *)(ring + params.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(ring + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, fd, 1, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
	usleep(500000);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	if (read(ends[0], bytes, sizeof(bytes)) < 0)
		memset(bytes, 0, sizeof(bytes));
}

int main(int argc, char **argv)
{
	static const char *const sleeping[] = { "thread", "fork", "handler", "sqpoll" };
	const char *how = argc == 3 ? argv[2] : "", *mode = "loop";
	pid_t child = 0;

	for (size_t i = 0; i < sizeof(sleeping) / sizeof(*sleeping); i++)
		if (strcmp(how, sleeping[i]) == 0)
			mode = "pair";
	prey_setup();
	if (argc != 3 || pipe(ends) || !prey_start(argv[1], mode))
		return 2;
	usleep(20000);	/* until it sleeps */
	if (strcmp(how, "poketext") == 0)
		poketext(false);
	else if (strcmp(how, "poketext_run") == 0)
		poketext(true);
	else if (strcmp(how, "mem") == 0)
		must(tracer_write_mem(prey->pid, prey->code, payload(), MACHINE_JUMP), how);
	else if (strcmp(how, "callback") == 0)
		must(writev_word(prey->callback, prey->confess), how);
	else if (strcmp(how, "callback_poke") == 0)
		callback_poke();
	else if (strcmp(how, "callback_traced") == 0)
		callback_traced();
	else if (strcmp(how, "shared") == 0)
		shared();
	else if (strcmp(how, "got") == 0)
		got();
	else if (strcmp(how, "stack") == 0)
		stack();
	else if (strcmp(how, "registers") == 0 || strcmp(how, "regset") == 0 || strcmp(how, "user") == 0)
		registers(how);
	else if (strcmp(how, "thread") == 0)
		child = clone_it(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM);
	else if (strcmp(how, "fork") == 0)
		child = clone_it(SIGCHLD);
	else if (strcmp(how, "handler") == 0)
		handler();
	else if (strcmp(how, "sqpoll") == 0)
		sqpoll();
	else
		return 2;
	for (int i = 0; i < 20000 && !prey_leaked(prey->loot, PREY_ENOUGH) && !prey_leaked(bytes, PREY_ENOUGH) && !prey->fault; i++)
		usleep(1000);
	if (child)
		kill(child, SIGKILL);
	/* What it left did not win: because the victim was locked, or for another reason, which would prove nothing. */
	prey_judge(bytes, sizeof(bytes), prey->fault ? "refused" : "broken", "changed, and left");
}
