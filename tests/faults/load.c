// SPDX-License-Identifier: GPL-2.0-only
/*
 * load MODULE: loads the module while an allocation fails, one after the other, and after each failure that it survived, and at the end,
 * sees that it can be used and unloaded. Needs a kernel of scripts/kernel-debug, and the module not loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"
#include "log.h"

/* So far apart at first: each takes seconds, the more the later it fails. */
#define STRIDE	53
/* Then it ends, seconds. */
#define ENOUGH	600

static int unload(void)
{
	for (int i = 0; i < 100; i++) {
		if (!syscall(SYS_delete_module, "cryptmem", O_NONBLOCK))
			return 0;
		usleep(100000);
	}
	return errno;
}

static bool usable(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(victim_region(1, NULL)[5] != 0);
	return waitpid(pid, &pid, 0) > 0 && pid == 0;
}

/* 0 or the errno of the load; *injected is whether the nth allocation was asked for. */
static int load(const char *path, unsigned int nth, bool *injected)
{
	int module = open(path, O_RDONLY | O_CLOEXEC), fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC), err;
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	if (module < 0 || fd < 0 || write(fd, text, strlen(text)) < 0) {
		perror(path);
		exit(2);
	}
	err = syscall(SYS_finit_module, module, "", 0) ? errno : 0;
	memset(text, 0, sizeof(text));
	*injected = pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;
	if (write(fd, "0", 1) != 1 && write(fd, "0", 1) != 1)
		exit(2);
	close(fd);
	close(module);
	return err;
}

/* What it says where no memory is, where user memory cannot be read, where there is no cipher: no other. */
static bool is_lack(int err)
{
	return err == ENOMEM || err == EFAULT || err == ENOENT || err == EINTR || err == EAGAIN;
}

int main(int argc, char **argv)
{
	unsigned int nth, errors = 0, survived = 0, other = 0, odd = 0, unusable = 0, loads = 0, last = 0;
	time_t start = time(NULL);
	bool injected, broken = false;
	int err;

	if (argc != 2)
		return 2;
	if (!log_prepare())
		return 2;
	log_start();
	/* First the whole of it, one in STRIDE: a slow machine gets no further. */
	for (unsigned int first = 1; first <= STRIDE && time(NULL) < start + ENOUGH; first++) {
		injected = true;
		for (nth = first; injected && !broken && time(NULL) < start + ENOUGH; nth += STRIDE, loads++) {
			err = load(argv[1], nth, &injected);
			if (err) {
				errors++;
				odd += !is_lack(err);
				other += err != ENOMEM;
				if (err != ENOMEM)
					tap_note("failure %u: %s", nth, strerror(err));
				continue;
			}
			survived++;
			unusable += !usable();
			err = unload();
			if (err)
				tap_note("failure %u: cannot unload: %s", nth, strerror(err));
			broken = err;
		}
		last = nth > last ? nth : last;
	}
	/* And with nothing that fails. */
	err = broken ? EBUSY : load(argv[1], 0, &injected);
	ok(!err && usable() && !unload(), "it can be loaded, used and unloaded after all of these%s%s", err ? ": " : "", err ? strerror(err) : "");
	ok(log_end(), "allocations failed in the module");
	ok(errors && !odd && 4 * other <= errors, "%u loads failed, each with the errno of a lack, %u with another than ENOMEM", errors, other);
	ok(survived && !unusable && !broken, "%u loads succeeded, with something missing or nothing: usable, and unloaded", survived);
	tap_note("tried: %u of the first %u failures", loads, last);
	return tap_done();
}
