// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: a write from outside steers the victim (here by a word of ordinary memory, as an injected code pointer would). It must find
 * its region sealed for good, and root must not be able to switch that off.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "ring.h"
#include "victim.h"

static volatile int steer;

static pid_t start(bool protect)
{
	pid_t pid = fork();

	if (pid == 0) {
		static char plain[4096];
		char *page = protect ? victim_region(1, NULL) : plain;

		victim_make_secret(page);
		shared->ready = 1;
		for (;;) {
			if (steer)
				memcpy((void *)shared->loot, page, SECRET_LEN);
			usleep(1000);
		}
	}
	victim_wait(&shared->ready);
	return pid;
}

static bool by_system_call(pid_t victim, int *word)
{
	struct iovec local = { word, sizeof(*word) }, remote = { (void *)&steer, sizeof(*word) };

	return process_vm_writev(victim, &local, 1, &remote, 1, 0) == sizeof(*word);
}

/* Who makes the system call then is a thread of the kernel's in the attacker's process. */
static bool by_ring(pid_t victim, int *word, unsigned int setup, unsigned char how)
{
	struct ring ring;
	bool written = ring_open(&ring, setup) && ring_poke(&ring, how, victim, &steer, word, sizeof(*word));

	ring_close(&ring);
	return written;
}

static bool by_worker(pid_t victim, int *word)
{
	return by_ring(victim, word, 0, IOSQE_ASYNC);
}

static bool by_poller(pid_t victim, int *word)
{
	return by_ring(victim, word, IORING_SETUP_SQPOLL, 0);
}

static bool steered(bool protect, bool (*write_word)(pid_t victim, int *word))
{
	pid_t victim = start(protect);
	int one = 1;
	bool written = write_word(victim, &one), looted;

	for (int i = 0; i < (protect ? 500 : 10000) && !victim_was_looted() && waitpid(victim, NULL, WNOHANG) == 0; i++)
		usleep(1000);
	looted = victim_was_looted();
	victim_end(victim);
	if (!written)
		tap_note("the write itself failed");
	return written && looted;
}

static void by_rings(void)
{
	struct ring ring;

	if (!ring_open(&ring, 0)) {
		ok(true, "io_uring # SKIP this kernel has none");
		return;
	}
	ring_close(&ring);
	ok(steered(false, by_worker), "control: an io_uring's worker steers a victim by /proc/PID/mem, too");
	ok(!steered(true, by_worker), "its write seals the region first");
	ok(steered(false, by_poller), "control: so does an io_uring's thread that polls");
	ok(!steered(true, by_poller), "its write seals the region first");
}

#define WINDOW	512UL
#define ROUNDS	20

/* Gives away its last page, which is the last to be put out, as soon as it is told to. */
static pid_t start_large(void)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = WINDOW };
	pid_t pid = fork();
	char *own;
	int fd;

	if (pid && victim_wait(&shared->ready))
		return pid;
	if (pid)
		exit(2);
	own = victim_region(WINDOW, &fd);
	while (ioctl(fd, CRYPTMEM_IOC_CONFIG, &config) && config.window > 8)
		config.window /= 2;
	for (size_t i = 0; i < config.window; i++)
		victim_make_secret(own + i * 4096);
	shared->ready = 1;
	for (;;)
		if (steer)
			memcpy((void *)shared->loot, own + (config.window - 1) * 4096, SECRET_LEN);
}

/* One of several who write at the same moment. */
static void write_at_once(pid_t victim)
{
	int one = 1;

	__atomic_add_fetch(&shared->others, 1, __ATOMIC_SEQ_CST);
	while (shared->command != 1)
		continue;
	_exit(!by_system_call(victim, &one));
}

/* Who comes when another one has begun to have all sealed waits for the end of that. */
static void at_once(void)
{
	int looted = 0, written = 0, status;

	for (int round = 0; round < ROUNDS; round++) {
		pid_t victim = start_large(), writers[3];

		for (int i = 0; i < 3; i++) {
			writers[i] = fork();
			if (writers[i] == 0)
				write_at_once(victim);
		}
		while (shared->others < 3)
			usleep(1000);
		shared->command = 1;
		for (int i = 0; i < 3; i++)
			written += waitpid(writers[i], &status, 0) == writers[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0;
		for (int i = 0; i < 100 && waitpid(victim, NULL, WNOHANG) == 0; i++)
			usleep(1000);
		looted += victim_was_looted();
		victim_end(victim);
	}
	ok(written > ROUNDS, "control: of three that write at once more than one does, %d writes in %d rounds", written, ROUNDS);
	ok(!looted, "whichever comes first, its region is sealed before: looted %d times", looted);
}

int main(void)
{
	static const char *const ftrace = "/proc/sys/kernel/ftrace_enabled";
	static const char *const kprobes = "/sys/kernel/debug/kprobes/enabled";

	victim_setup();
	ok(steered(false, by_system_call), "control: steered by a foreign write, a victim gives away what is in ordinary memory");
	ok(!steered(true, by_system_call), "a foreign write seals the region first");
	ok(!victim_set(ftrace, "0"), "root cannot switch the hooks off by kernel.ftrace_enabled");
	ok(!steered(true, by_system_call), "a foreign write after that seals as well");
	victim_set(ftrace, "1");
	victim_set(kprobes, "0");
	ok(!steered(true, by_system_call), "nor by kprobes/enabled");
	victim_set(kprobes, "1");
	by_rings();
	at_once();
	return tap_done();
}
