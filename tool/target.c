// SPDX-License-Identifier: GPL-2.0-only
/*
 * target: see target.h.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "target.h"
#include "util.h"

#define SCRIPTS_MAX	5 /* as the kernel has it */
#define HEAD_SIZE	256 /* what the kernel reads to tell the format */

/* What this command is itself, and thus the library too. */
#if defined(__x86_64__)
#define OUR_MACHINE	EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE	EM_AARCH64
#else
#error "which e_machine is this?"
#endif

/*
 * The loader ignores LD_PRELOAD when the program gains something by being run.
 * Being who the file's owner is gains nothing, nor do capabilities for root.
 */
static enum target judge_privilege(int fd, const struct stat *st)
{
	if ((st->st_mode & S_ISUID) && st->st_uid != getuid())
		return TARGET_SETUID;
	if ((st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st->st_gid != getgid())
		return TARGET_SETGID;
	if (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return TARGET_CAPABLE;
	return TARGET_FINE;
}

static enum target judge_elf(int fd, const unsigned char *head, size_t len)
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	unsigned int i;

	if (len < sizeof(ehdr))
		return TARGET_MALFORMED;
	memcpy(&ehdr, head, sizeof(ehdr));
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr.e_machine != OUR_MACHINE)
		return TARGET_FOREIGN;
	if ((ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN) || ehdr.e_phentsize != sizeof(phdr) ||
	    !ehdr.e_phnum || ehdr.e_phoff > INT64_MAX - UINT16_MAX * sizeof(phdr))
		return TARGET_MALFORMED;
	for (i = 0; i < ehdr.e_phnum; i++) {
		if (pread(fd, &phdr, sizeof(phdr), ehdr.e_phoff + i * sizeof(phdr)) != (ssize_t)sizeof(phdr))
			return TARGET_MALFORMED;
		if (phdr.p_type == PT_INTERP)
			return TARGET_FINE;
	}
	return TARGET_STATIC;
}

/* The interpreter on a script's first line, to be freed, or NULL. */
static char *interpreter(const char *head)
{
	size_t len;

	head += strspn(head + 2, " \t") + 2;
	len = strcspn(head, " \t\n");
	return len ? need(strndup(head, len)) : NULL;
}

static enum target judge(const char *path, char **script)
{
	unsigned char head[HEAD_SIZE + 1] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum target verdict = TARGET_UNREADABLE;
	struct stat st;
	ssize_t len;
	int err;

	if (fd < 0)
		return TARGET_UNREADABLE;
	if (fstat(fd, &st))
		goto out;
	if (!S_ISREG(st.st_mode)) {
		verdict = TARGET_UNKNOWN;
		goto out;
	}
	len = pread(fd, head, HEAD_SIZE, 0);
	if (len < 0)
		goto out;
	if (len >= 2 && !memcmp(head, "#!", 2)) {
		/* The kernel ignores a script's own privileges. */
		*script = interpreter((char *)head);
		verdict = *script ? TARGET_FINE : TARGET_MALFORMED;
	} else if (len >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG)) {
		verdict = judge_elf(fd, head, len);
		if (verdict == TARGET_FINE)
			verdict = judge_privilege(fd, &st);
	} else {
		verdict = TARGET_UNKNOWN;
	}
out:
	err = errno;
	close(fd);
	errno = err;
	return verdict;
}

enum target target_judge(const char *path, char **culprit)
{
	enum target verdict;
	int i;

	*culprit = need(strdup(path));
	for (i = 0; i <= SCRIPTS_MAX; i++) {
		char *script = NULL;

		verdict = judge(*culprit, &script);
		if (!script)
			return verdict;
		free(*culprit);
		*culprit = script;
	}
	return TARGET_DEEP;
}

static bool executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return false;
	}
	return !faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

char *target_find(const char *command)
{
	const char *path = getenv("PATH"), *end;
	int err = ENOENT;

	if (!*command) {
		errno = ENOENT;
		return NULL;
	}
	if (strchr(command, '/'))
		return executable(command) ? need(strdup(command)) : NULL;
	for (path = path ? path : "/bin:/usr/bin";; path = end + 1) {
		char *file;

		end = strchrnul(path, ':');
		file = end == path ? print("./%s", command) : print("%.*s/%s", (int)(end - path), path, command);
		if (executable(file))
			return file;
		/* Found but not to be run: that is what is worth telling. */
		if (errno == EACCES)
			err = EACCES;
		free(file);
		if (!*end)
			break;
	}
	errno = err;
	return NULL;
}
