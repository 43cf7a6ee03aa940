// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: a write from outside steers the victim (here by a word of ordinary memory, as an injected code pointer would). It must find
 * its region sealed for good, and root must not be able to switch that off.
 */
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
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

static bool steered(bool protect)
{
	pid_t victim = start(protect);
	int one = 1;
	struct iovec local = { &one, sizeof(one) }, remote = { (void *)&steer, sizeof(one) };
	bool written = process_vm_writev(victim, &local, 1, &remote, 1, 0) == sizeof(one), looted;

	for (int i = 0; i < 500 && !victim_was_looted() && waitpid(victim, NULL, WNOHANG) == 0; i++)
		usleep(1000);
	looted = victim_was_looted();
	victim_end(victim);
	if (!written)
		tap_note("the write itself failed");
	return written && looted;
}

int main(void)
{
	static const char *const ftrace = "/proc/sys/kernel/ftrace_enabled";
	static const char *const kprobes = "/sys/kernel/debug/kprobes/enabled";

	victim_setup();
	ok(steered(false), "control: steered by a foreign write, a victim gives away what is in ordinary memory");
	ok(!steered(true), "a foreign write seals the region first");
	ok(!victim_set(ftrace, "0"), "root cannot switch the hooks off by kernel.ftrace_enabled");
	ok(!steered(true), "a foreign write after that seals as well");
	victim_set(ftrace, "1");
	victim_set(kprobes, "0");
	ok(!steered(true), "nor by kprobes/enabled");
	victim_set(kprobes, "1");
	return tap_done();
}
