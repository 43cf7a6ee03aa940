// SPDX-License-Identifier: GPL-2.0-only
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "victim.h"

static char remembered[512];

int module_load(const char *parameters)
{
	char path[128];
	struct utsname machine;
	int fd, err;

	uname(&machine);
	snprintf(path, sizeof(path), "build/kernel/%s/cryptmem.ko", machine.release);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) ? errno : 0;
	close(fd);
	return err;
}

int module_reload(void)
{
	return module_load(remembered);
}

int module_unload(int flags)
{
	return syscall(SYS_delete_module, "cryptmem", O_NONBLOCK | flags) ? errno : 0;
}

void module_unload_idle(void)
{
	for (int i = 0; i < 100 && module_unload(0); i++)
		usleep(50000);
}

void module_remember(void)
{
	static const char *const names[] = { "cipher", "window", "window_max", "window_grow", "idle_ms", "max_plain_us", "grace_us", "hibernation",
					     "max_regions", "max_pages" };
	char path[96], value[32];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/cryptmem/parameters/%s", names[i]);
		victim_get(path, value, sizeof(value));
		if (value[0] && used < sizeof(remembered))
			used += (size_t)snprintf(remembered + used, sizeof(remembered) - used, "%s=%s ", names[i], value);
	}
}

bool module_has(pid_t tid)
{
	char path[32], stack[2048];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", tid);
	fd = open(path, O_RDONLY);
	n = read(fd, stack, sizeof(stack) - 1);
	close(fd);
	stack[n < 0 ? 0 : n] = 0;
	return strstr(stack, "[cryptmem]");
}
