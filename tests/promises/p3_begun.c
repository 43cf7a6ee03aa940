// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: a change of a process that is begun before it opens the device, and takes effect after that. The kernel reads what to change it to from the
 * attacker's memory, where a userfaultfd has it wait. What is steered so must find its region sealed, as if it had been changed then.
 */
#include <elf.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/machine.h"
#include "../attacks/ring.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"

enum { REGISTERS, MEMORY };		/* what is changed */
enum { WAITING = 1, USED, REFUSED };	/* ->ready: before it has its page; it has put its secret there; it may not */

static const char *const names[] = { "registers", "memory" };
static const char *const logged[] = { "registers set by p3_begun", "memory written by p3_begun" };
static volatile int steer;
static char *volatile page;
static sigjmp_buf refused;

static void on_sigbus(int signal)
{
	(void)signal;
	/* The thread that was led astray. */
	while (syscall(SYS_gettid) == shared->tid)
		pause();
	siglongjmp(refused, 1);
}

/* Where the attacker has a thread go on. */
static _Noreturn void steal(void)
{
	while (!page)
		usleep(1000);
	memcpy((void *)shared->loot, page, SECRET_LEN);
	for (;;)
		pause();
}

static void *idle(void *unused)
{
	shared->tid = (int)syscall(SYS_gettid);
	shared->ready = WAITING;
	for (;;)
		pause();
	return unused;
}

static _Noreturn void victim(bool protect)
{
	static char plain[4096];
	pthread_t other;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGBUS, on_sigbus);
	pthread_create(&other, NULL, idle, NULL);
	for (;; usleep(1000)) {
		if (sigsetjmp(refused, 1)) {
			steer = 0;
			shared->ready = REFUSED;
		}
		if (steer && page)
			memcpy((void *)shared->loot, page, SECRET_LEN);
		if (!shared->command)
			continue;
		shared->command = 0;
		if (!page)
			page = protect ? victim_region(1, NULL) : plain;
		victim_make_secret(page);
		shared->ready = USED;
	}
}

static pid_t start(bool protect)
{
	pid_t pid;

	shared->ready = 0;
	shared->command = 0;
	pid = fork();
	if (pid == 0)
		victim(protect);
	victim_wait(&shared->ready);
	return pid;
}

/* What ->ready says when it has been told to use its page, for which it opens the device. */
static int let_use(void)
{
	shared->ready = 0;
	shared->command = 1;
	victim_wait(&shared->ready);
	return shared->ready;
}

struct attack {
	int what;
	pid_t pid;
	void *source;	/* a page that is not there yet; NULL: do not wait */
	char bytes[4096];	/* what it is to hold */
	bool done;
};

static bool set_registers(struct attack *a)
{
	struct user_regs_struct registers;
	struct iovec iov = { NULL, sizeof(registers) };
	pid_t tid = shared->tid;
	bool set;
	int status;

	if (ptrace(PTRACE_ATTACH, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid || !machine_get_registers(tid, &registers))
		return false;
	machine_go_to(&registers, (uintptr_t)steal);
	memcpy(a->bytes, &registers, sizeof(registers));
	iov.iov_base = a->source ? a->source : a->bytes;
	set = !ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov);
	return !ptrace(PTRACE_DETACH, tid, 0, 0) && set;
}

static bool write_memory(struct attack *a)
{
	int one = 1;
	struct iovec local = { NULL, sizeof(one) }, remote = { (void *)&steer, sizeof(one) };

	memcpy(a->bytes, &one, sizeof(one));
	local.iov_base = a->source ? a->source : a->bytes;
	return process_vm_writev(a->pid, &local, 1, &remote, 1, 0) == sizeof(one);
}

static void *change(void *argument)
{
	struct attack *a = argument;

	a->done = a->what == REGISTERS ? set_registers(a) : write_memory(a);
	return NULL;
}

/* Whether a bystander, who is not changed, may use a region of its own. */
static bool spares_others(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGBUS, on_sigbus);
		if (sigsetjmp(refused, 1))
			_exit(1);
		victim_make_secret(victim_region(1, NULL));
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void attack(int what, bool protect)
{
	struct attack a = { .what = what };
	int fd, used;
	bool waited, spared, went_on;
	pthread_t thread;

	a.source = victim_absent_page(&fd);
	a.pid = start(protect);
	pthread_create(&thread, NULL, change, &a);
	waited = victim_page_is_awaited(fd);
	spared = spares_others();
	used = let_use();
	went_on = victim_supply_page(fd, a.source, a.bytes);
	pthread_join(thread, NULL);
	for (int i = 0; i < (protect ? 500 : 10000) && !victim_was_looted(); i++)
		usleep(1000);
	if (!protect) {
		ok(waited && went_on && a.done && used == USED && victim_was_looted(),
		   "control: %s: a change that waited takes effect: what is in ordinary memory is given away", names[what]);
	} else {
		ok(waited && went_on && a.done, "control: %s: begun before the victim opens the device, done after it has", names[what]);
		ok(!victim_was_looted(), "%s: nothing of the region is given away", names[what]);
		/* Under a tracer that was there before, it could. */
		ok(let_use() == REFUSED, "%s: the victim cannot use it any more either", names[what]);
		ok(victim_log(logged[what]) != NULL, "%s: the log says by whom", names[what]);
		ok(spared, "%s: somebody else, who is not changed, can use one", names[what]);
	}
	victim_end(a.pid);
	close(fd);
}

static void over_before(int what)
{
	struct attack a = { .what = what };
	int used;

	a.pid = start(true);
	change(&a);
	used = let_use();
	ok(a.done && used == USED, "control: %s: what was over before is not looked at (README: what was there before)", names[what]);
	victim_end(a.pid);
}

/* Nor is who never returns to user mode. That it is over is known a moment after the ring has told: somebody may open the device in between. */
static void over_before_by_ring(void)
{
	int one = 1, used = 0;
	bool written = true;
	struct ring ring;
	pid_t pid;

	if (!ring_open(&ring, IORING_SETUP_SQPOLL)) {
		ok(true, "io_uring # SKIP this kernel has none");
		return;
	}
	for (int i = 0; i < 10 && written && used != USED; i++) {
		if (i && !ring_open(&ring, IORING_SETUP_SQPOLL))
			break;
		pid = start(true);
		written = ring_poke(&ring, 0, pid, &steer, &one, sizeof(one));
		used = let_use();
		victim_end(pid);
		ring_close(&ring);
	}
	ok(written && used == USED, "nor is what was over when done by an io_uring's thread, which never returns to user mode");
}

int main(void)
{
	victim_setup();
	for (int what = REGISTERS; what <= MEMORY; what++) {
		attack(what, false);
		attack(what, true);
		over_before(what);
	}
	over_before_by_ring();
	return tap_done();
}
