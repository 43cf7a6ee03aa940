// SPDX-License-Identifier: GPL-2.0-only
/*
 * device: the module as the system shows it. See module.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "module.h"
#include "util.h"

int device_open(void)
{
	return open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);
}

int device_query(int fd, struct cryptmem_query *q)
{
	memset(q, 0, sizeof(*q));
	q->size = sizeof(*q);
	return ioctl(fd, CRYPTMEM_IOC_QUERY, q);
}

FILE *device_numbers(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/debug/cryptmem/%s", name);
	return fopen(path, "re");
}

bool device_loaded(void)
{
	return !access("/sys/module/cryptmem", F_OK);
}

bool device_version(char *text, size_t room)
{
	FILE *file = fopen("/sys/module/cryptmem/version", "re");
	bool good;

	if (!file)
		return false;
	good = fgets(text, room, file);
	fclose(file);
	if (good)
		text[strcspn(text, "\n")] = 0;
	return good;
}

bool device_secret(void)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

FILE *device_file(const char *path)
{
	return fopen(path, "re");
}

DIR *device_dir(const char *path)
{
	return opendir(path);
}

int device_look(const char *path, struct look *look)
{
	struct statx st;

	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st))
		return -1;
	look->major = st.stx_dev_major;
	look->minor = st.stx_dev_minor;
	look->verity = st.stx_attributes & STATX_ATTR_VERITY;
	return 0;
}

void device_release(char *text, size_t room)
{
	struct utsname name;

	snprintf(text, room, "%s", uname(&name) ? "" : name.release);
}
