// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit_owner: the programs that own protected memory, as `cryptmem status`
 * lists them. Who changes their code is the owner, as far as the kernel can tell.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "module.h"
#include "parse.h"
#include "util.h"

#define NAMED_MAX	3 /* files that are called by their names */

/* Those with protected memory, to be freed: how many, or -1, and it has been told why. */
static int owners(struct finding *f, struct domain **domains)
{
	const char *why = NULL, *how = NULL;
	FILE *file;
	int i, kept = 0, n;

	*domains = NULL;
	if (!device_loaded())
		return 0;
	file = module_numbers("domains", &why, &how);
	if (!file) {
		found(f, STATE_UNKNOWN, how, "which processes are protected: %s", why);
		return -1;
	}
	n = parse_domains(file, domains);
	fclose(file);
	if (n < 0) {
		found(f, STATE_UNKNOWN, "install module and command of one release, then reload the module",
		      "the module's list of domains is malformed");
		return -1;
	}
	for (i = 0; i < n; i++)
		if ((*domains)[i].regions)
			(*domains)[kept++] = (*domains)[i];
	return kept;
}

/**
 * struct files - the files that code of owners comes from
 * @open: those that can be changed, each once, to be freed
 * @opens: how many
 */
struct files {
	char **open;
	int opens;
};

static bool on_verity(const struct look *look)
{
	char *uuid = machine_text("/sys/dev/block/%u:%u/dm/uuid", look->major, look->minor);
	bool on = uuid && !strncmp(uuid, "CRYPT-VERITY-", 13);

	free(uuid);
	return on;
}

static void one_file(struct files *all, const struct look *look, const char *path)
{
	int i;

	if (look->verity || (look->major && on_verity(look)))
		return;
	for (i = 0; i < all->opens; i++)
		if (!strcmp(all->open[i], path))
			return;
	all->open = need(realloc(all->open, (all->opens + 1) * sizeof(*all->open)));
	all->open[all->opens++] = need(strdup(path));
}

/* What a process may execute, by its maps; -1 with errno. */
static int one_owner(struct files *all, int pid)
{
	char *maps = machine_text("/proc/%d/maps", pid), *rest = maps, *line;

	if (!maps)
		return -1;
	while ((line = strsep(&rest, "\n"))) {
		unsigned long long start, end, inode;
		char rights[8], *file, *path = strchr(line, '/');
		struct look look;
		int status;

		if (sscanf(line, "%llx-%llx %7s %*s %*s %llu", &start, &end, rights, &inode) != 4 || !inode || !path ||
		    !strchr(rights, 'x'))
			continue;
		/* The file itself, below an overlay too, whatever has its name now or in another mount namespace. */
		file = print("/proc/%d/map_files/%llx-%llx", pid, start, end);
		status = device_look(file, &look);
		free(file);
		if (status) {
			free(maps);
			return -1;
		}
		one_file(all, &look, path);
	}
	free(maps);
	return 0;
}

static char *name_some(char **paths, int n)
{
	char *list = NULL, *old;
	int i;

	for (i = 0; i < n && i < NAMED_MAX; i++) {
		old = list;
		list = print("%s%s%s", old ? old : "", old ? " " : "", paths[i]);
		free(old);
	}
	if (n > NAMED_MAX) {
		old = list;
		list = print("%s and %d more", old, n - NAMED_MAX);
		free(old);
	}
	return list;
}

void audit_executables(const struct machine *m, struct finding *f)
{
	struct files all = { 0 };
	struct domain *domains;
	int i, unread = 0, err = 0, n = owners(f, &domains);
	char *list;

	(void)m;
	for (i = 0; i < n; i++)
		if (one_owner(&all, domains[i].pid) && errno != ENOENT && errno != ESRCH) {
			/* Who has gone meanwhile is no owner any more. */
			err = errno;
			unread = domains[i].pid;
		}
	if (n < 0) {
		; /* has been told */
	} else if (all.opens) {
		list = name_some(all.open, all.opens);
		found(f, STATE_OPEN,
		      "fsverity enable FILE for each (the file system needs the feature verity); or have them on "
		      "dm-verity",
		      "root rewrites code of protected processes in its file, and it runs as the owner: %s", list);
		free(list);
	} else if (unread) {
		list = print("/proc/%d/maps", unread);
		errno = err;
		found_unreadable(f, list);
		free(list);
	} else if (n) {
		found(f, STATE_OK, NULL,
		      "code of protected processes is checked by the kernel when it is read (fs-verity, dm-verity)");
	} else {
		found(f, STATE_OK, NULL, "no process is protected now");
	}
	for (i = 0; i < all.opens; i++)
		free(all.open[i]);
	free(all.open);
	free(domains);
}

/* Soft limit other than 0: a core file may come. -1 with errno. */
static int may_dump(int pid)
{
	char *limits = machine_text("/proc/%d/limits", pid), *line;
	int answer = -1;

	if (!limits)
		return -1;
	line = strstr(limits, "Max core file size");
	if (line)
		answer = line[18 + strspn(line + 18, " ")] != '0';
	else
		errno = EINVAL;
	free(limits);
	return answer;
}

#define DUMP_MEANS	"regions are left out, but registers, stack and ordinary heap of the program go into it"
#define DUMP_CLOSE	"sysctl kernel.core_pattern='|/bin/false'"

/* To a file, if the process's limit lets it. */
static void core_files(struct finding *f, const char *pattern)
{
	struct domain *domains;
	int i, may = 0, dumper = 0, unread = 0, err = 0, n = owners(f, &domains);

	for (i = 0; i < n && !dumper; i++) {
		may = may_dump(domains[i].pid);
		if (may > 0)
			dumper = domains[i].pid;
		else if (may < 0 && errno != ENOENT && errno != ESRCH) {
			err = errno;
			unread = domains[i].pid;
		}
	}
	free(domains);
	if (n < 0)
		return;
	if (dumper) {
		found(f, STATE_OPEN, DUMP_CLOSE, "process %d leaves a core file (%s) if it crashes: " DUMP_MEANS,
		      dumper, pattern);
	} else if (unread) {
		char *path = print("/proc/%d/limits", unread);

		errno = err;
		found_unreadable(f, path);
		free(path);
	} else {
		found(f, STATE_OK, NULL, "%s", n ? "no protected process leaves a core file: their limit is 0" :
		      "no process is protected now");
	}
}

void audit_core_dumps(const struct machine *m, struct finding *f)
{
	const char *path = "/proc/sys/kernel/core_pattern";
	char *pattern = machine_text("%s", path);
	int64_t with_pid = 1;

	(void)m;
	if (!pattern && errno == ENOENT && machine_has("/proc/sys/kernel"))
		found(f, STATE_OK, NULL, "this kernel makes no core dumps");
	else if (!pattern)
		found_unreadable(f, path);
	else if (!strcmp(pattern, "|/bin/false") || !strcmp(pattern, "|/bin/true") ||
		 (!*pattern && !machine_number("/proc/sys/kernel/core_uses_pid", &with_pid) && !with_pid))
		found(f, STATE_OK, NULL, "core dumps are thrown away");
	else if (*pattern == '|')
		found(f, STATE_OPEN, DUMP_CLOSE, "a program that crashes is handed over to %s: " DUMP_MEANS, pattern +
		      1);
	else
		core_files(f, pattern);
	free(pattern);
}
