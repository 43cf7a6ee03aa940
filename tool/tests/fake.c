// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake: a machine for the tests, in the place of device.c. What it is like is
 * said by the environment:
 *
 *	FAKE_DEVICE	absent (the default), eacces, plain: memory that protects
 *			nothing, quota: no memory
 *	FAKE_LOADED	set: the module is loaded
 *	FAKE_SECRET	set: there is memfd_secret()
 *	FAKE_ABI	what the device answers, 0: it does not
 *	FAKE_FEATURES	its features
 *	FAKE_NUMBERS	directory with totals and domains, or eacces
 *	FAKE_ROOT	what is taken for /, but not for the former. Who may read is none in a file's
 *			mode: EACCES, root or not. What a file lies on is its
 *			contents: MAJOR:MINOR, and verity
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "module.h"

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

int device_open(void)
{
	const char *device = setting("FAKE_DEVICE");
	int fd;

	if (!strcmp(device, "quota"))
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!strcmp(device, "plain")) {
		fd = memfd_create("fake", MFD_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, 1 << 20))
			abort();
		return fd;
	}
	errno = strcmp(device, "eacces") ? ENOENT : EACCES;
	return -1;
}

int device_query(int fd, struct cryptmem_query *q)
{
	const char *abi = setting("FAKE_ABI");

	(void)fd;
	memset(q, 0, sizeof(*q));
	q->size = sizeof(*q);
	q->abi = *abi ? atoi(abi) : CRYPTMEM_ABI_VERSION;
	q->features = strtoull(setting("FAKE_FEATURES"), NULL, 0);
	q->page_size = 4096;
	q->window_default = 32;
	q->window_min = 8;
	q->window_max = 65536;
	q->max_regions = 100;
	q->max_pages = 1000000;
	/* As a careless module would: not terminated. */
	memset(q->cipher, 'x', sizeof(q->cipher));
	errno = ENOTTY;
	return q->abi ? 0 : -1;
}

FILE *device_numbers(const char *name)
{
	const char *dir = setting("FAKE_NUMBERS");
	char path[4096];

	if (!strcmp(dir, "eacces")) {
		errno = EACCES;
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", *dir ? dir : "/nonexistent", name);
	return fopen(path, "re");
}

bool device_loaded(void)
{
	return getenv("FAKE_LOADED");
}

bool device_version(char *text, size_t room)
{
	snprintf(text, room, "9.9");
	return true;
}

bool device_secret(void)
{
	return getenv("FAKE_SECRET");
}

static bool under_root(const char *path, char *real, size_t room)
{
	const char *root = setting("FAKE_ROOT");
	struct stat st;

	snprintf(real, room, "%s%s", *root ? root : "/nonexistent", path);
	if (stat(real, &st))
		return false;
	errno = EACCES;
	return st.st_mode & 0444;
}

FILE *device_file(const char *path)
{
	char real[4096];

	return under_root(path, real, sizeof(real)) ? fopen(real, "re") : NULL;
}

DIR *device_dir(const char *path)
{
	char real[4096];

	return under_root(path, real, sizeof(real)) ? opendir(real) : NULL;
}

int device_look(const char *path, struct look *look)
{
	FILE *file = device_file(path);
	char what[16] = "";

	if (!file)
		return -1;
	if (fscanf(file, "%u:%u %15s", &look->major, &look->minor, what) < 2)
		look->major = look->minor = 0;
	fclose(file);
	look->verity = !strcmp(what, "verity");
	return 0;
}

void device_release(char *text, size_t room)
{
	snprintf(text, room, "6.1.0-fake");
}
