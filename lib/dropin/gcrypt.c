// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libsalloc-gcrypt.so: libgcrypt's secure memory out of protected memory, for programs that are not changed:
 *
 *	LD_PRELOAD=libsalloc-gcrypt.so gpg ...
 *
 * By gcry_set_allocation_handler(3), which libgcrypt has for this, before the program begins. A program that sets handlers of its own, or
 * turns secure memory off, is left as it is: it has ordinary memory from its own hands. One that loads libgcrypt later wants that preloaded, too. In
 * FIPS mode libgcrypt takes no handlers: the program is aborted then.
 */
#include <salloc.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../api.h"
#include "../die.h"

typedef void set_handlers(void *(*allocate)(size_t size), void *(*allocate_secure)(size_t size), int (*is_secure)(const void *ptr),
			  void *(*resize)(void *ptr, size_t size), void (*release)(void *ptr));

static void *resize(void *ptr, size_t size)
{
	return ptr && salloc_has(ptr) ? srealloc(ptr, size) : realloc(ptr, size);
}

static void release(void *ptr)
{
	if (ptr && salloc_has(ptr))
		sfree(ptr);
	else
		free(ptr);
}

/* It takes no handlers then, without a word: what programs take to be protected would not be. */
static int is_fips(void)
{
	char byte = '0';
	int fd;

	if (getenv("LIBGCRYPT_FORCE_FIPS_MODE") || !access("/etc/gcrypt/fips_enabled", F_OK))
		return 1;
	fd = open("/proc/sys/crypto/fips_enabled", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, &byte, 1) != 1)
		byte = '0';
	close(fd);
	return byte != '0';
}

/*
 * Not linked with it: programs that do not use it are preloaded, too, where one that does is a child of theirs. Nor is it loaded here: which one a
 * program would load later, and in which state it wants it, is for the program to say.
 */
__attribute__((constructor)) static void begin(void)
{
	void *found = dlsym(RTLD_DEFAULT, "gcry_set_allocation_handler");
	set_handlers *set;
	int before = errno;

	if (!found)
		return;
	if (is_fips())
		sl_die_text("gcrypt: in FIPS mode libgcrypt's secure memory cannot be protected");
	memcpy(&set, &found, sizeof(set));
	set(malloc, salloc, salloc_has, resize, release);
	errno = before;
}
