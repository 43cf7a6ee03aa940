// SPDX-License-Identifier: GPL-2.0-only
/*
 * P5: keys never go to the disk. Hibernation is refused while there is a region, and the log says who is in the way; or the module was
 * loaded with hibernation=drop, and what the regions held is gone. Nothing is really written: a guest with such a root file system cannot
 * hibernate, but it fails at that much later.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define OWNERS	8
#define FORKS	200

static sigjmp_buf after;

static void caught(int signal)
{
	(void)signal;
	siglongjmp(after, 1);
}

/* What came of it: 0 if the page has the secret, 1 if it has something else, 2 if touching it is SIGBUS. */
static int look(const char *page)
{
	char secret[SECRET_LEN];

	if (sigsetjmp(after, 1))
		return 2;
	victim_make_secret(secret);
	return memcmp(page, secret, SECRET_LEN) != 0;
}

static int hibernate(void)
{
	int fd = open("/sys/power/state", O_WRONLY), err = 0;

	if (fd < 0 || write(fd, "disk", 4) != 4)
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static bool logged(const char *text)
{
	static char log[1 << 20];
	int n = klogctl(3, log, sizeof(log) - 1);

	log[n < 0 ? 0 : n] = 0;
	return strstr(log, text);
}

static int look_in_child(const char *page)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(look(page));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Somebody asks for it again and again, and there are many who are in the way: whoever forks meanwhile has a child that keeps what it has. */
static void fork_meanwhile(const char *page)
{
	pid_t others[OWNERS], asks = fork();
	int lost = 0;
	long asked = shared->rounds;

	if (asks == 0)
		for (;;)
			shared->rounds += hibernate() == EBUSY;
	for (int i = 0; i < OWNERS; i++) {
		others[i] = fork();
		if (others[i] == 0)
			for (;;)
				pause();
	}
	for (int i = 0; i < FORKS || (shared->rounds < asked + 10 && i < 100 * FORKS); i++)
		lost += look_in_child(page) != 0;
	ok(lost == 0 && shared->rounds >= asked + 10, "refuse: %d of the children that were made meanwhile have lost it; asked %ld times", lost, shared->rounds - asked);
	kill(asks, SIGKILL);
	waitpid(asks, NULL, 0);
	for (int i = 0; i < OWNERS; i++) {
		kill(others[i], SIGKILL);
		waitpid(others[i], NULL, 0);
	}
}

int main(void)
{
	char *page, mode[16] = "", text[96];
	FILE *file = fopen("/sys/module/cryptmem/parameters/hibernation", "r");
	int err, fd;

	if (file && fscanf(file, "%15s", mode) != 1)
		return 2;
	victim_setup();
	signal(SIGBUS, caught);
	err = hibernate();
	tap_note("hibernation without a region: %s", strerror(err));
	ok(err && err != EBUSY, "control: without a region hibernation fails, but not for us");
	page = victim_region(1, &fd);
	victim_make_secret(page);
	err = hibernate();
	if (strcmp(mode, "drop") == 0) {
		ok(err != EBUSY, "drop: with a region it goes on");
		ok(look(page) == 2, "drop: what was in the region is gone: SIGBUS");
		ok(look_in_child(page) == 2, "drop: for a child made after that, too");
		snprintf(text, sizeof(text), "p5_hibernation[%d]: 1 regions: dropped", getpid());
	} else {
		ok(err == EBUSY, "refuse: with a region: EBUSY");
		ok(look(page) == 0, "refuse: nothing has happened to the region");
		ok(look_in_child(page) == 0, "refuse: nor to a child made after that");
		fork_meanwhile(page);
		snprintf(text, sizeof(text), "p5_hibernation[%d]: 1 regions: hibernation would", getpid());
	}
	ok(logged(text), "%s: the log says whose regions", mode);
	munmap(page, 4096);
	close(fd);
	return tap_done();
}
