// SPDX-License-Identifier: GPL-2.0-only
/*
 * module: see module.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "module.h"
#include "util.h"

int module_unloaded(void)
{
	error("the kernel module cryptmem is not loaded");
	hint("as root: modprobe cryptmem");
	return EXIT_NOT_SO;
}

static int cannot_open(void)
{
	int err = errno;

	if ((err == ENOENT || err == ENXIO || err == ENODEV) && !device_loaded())
		return module_unloaded();
	error("cannot open %s: %s", CRYPTMEM_DEVICE, strerror(err));
	if (err == EACCES || err == EPERM)
		hint("see who may: ls -l %s", CRYPTMEM_DEVICE);
	else if (err == ENOENT)
		hint("the module is loaded, but nobody has made its device node: is udev running, or is this a container?");
	return EXIT_TROUBLE;
}

static int query(int fd, struct cryptmem_query *q)
{
	if (device_query(fd, q)) {
		error("%s does not answer: %s", CRYPTMEM_DEVICE, strerror(errno));
		hint("is it the device of the module cryptmem?");
		return EXIT_TROUBLE;
	}
	q->cipher[sizeof(q->cipher) - 1] = 0;
	if (q->abi != CRYPTMEM_ABI_VERSION || q->page_size < 512) {
		error("the module speaks interface version %u, this command version %u", q->abi,
		      CRYPTMEM_ABI_VERSION);
		hint("install module and command of one release, then reload the module");
		return EXIT_TROUBLE;
	}
	return EXIT_FINE;
}

int module_query(struct cryptmem_query *q)
{
	int fd = device_open(), status;

	if (fd < 0)
		return cannot_open();
	status = query(fd, q);
	/* Close it: open, it would make a domain of this very command. */
	close(fd);
	return status;
}

int module_usable(struct cryptmem_query *q)
{
	int fd = device_open(), status = EXIT_FINE;
	void *page;

	if (fd < 0)
		status = cannot_open();
	else
		status = query(fd, q);
	if (status == EXIT_FINE) {
		page = mmap(NULL, q->page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (page == MAP_FAILED) {
			error("cannot get a page of protected memory: %s", strerror(errno));
			if (errno == EDQUOT)
				hint("this user has all the regions that the module allows, see cryptmem status");
			status = EXIT_TROUBLE;
		} else {
			munmap(page, q->page_size);
		}
	}
	if (fd >= 0)
		close(fd);
	return status == EXIT_FINE ? EXIT_FINE : EXIT_TROUBLE;
}

FILE *module_numbers(const char *name, const char **why, const char **how)
{
	FILE *file = device_numbers(name);

	if (file)
		return file;
	if (errno == EACCES || errno == EPERM) {
		*why = "only root may read the numbers of others";
		*how = "run it as root";
	} else if (errno == ENOENT) {
		*why = "debugfs is not mounted";
		*how = "as root: mount -t debugfs debugfs /sys/kernel/debug";
	} else {
		*why = strerror(errno);
		*how = NULL;
	}
	return NULL;
}
