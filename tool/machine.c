// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine: see machine.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "module.h"
#include "util.h"

#define FILE_MAX	(64 << 20) /* no file that is asked for is larger */

/* All of it and a NUL, or NULL with errno. */
static char *slurp(FILE *file, size_t *len)
{
	size_t room = 4096, n;
	char *text = need(malloc(room));

	*len = 0;
	while ((n = fread(text + *len, 1, room - *len - 1, file)) > 0) {
		*len += n;
		if (*len == room - 1)
			text = need(realloc(text, room *= 2));
		if (room > FILE_MAX) {
			errno = EFBIG;
			free(text);
			return NULL;
		}
	}
	if (ferror(file)) {
		free(text);
		return NULL;
	}
	text[*len] = 0;
	return text;
}

char *machine_text(const char *fmt, ...)
{
	char *path = NULL, *text = NULL;
	va_list args;
	FILE *file;
	size_t len;
	int err;

	va_start(args, fmt);
	if (vasprintf(&path, fmt, args) < 0)
		path = NULL;
	va_end(args);
	file = device_file(need(path));
	if (file) {
		text = slurp(file, &len);
		err = errno;
		fclose(file);
		errno = err;
	}
	if (text && len && text[len - 1] == '\n')
		text[len - 1] = 0;
	free(path);
	return text;
}

/* What a program makes of a file. */
static char *through(const char *program, FILE *file, size_t *len)
{
	int ends[2], status;
	char *text = NULL;
	FILE *from;
	pid_t pid;

	if (pipe(ends))
		return NULL;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* What it thinks of the file, nobody asked. */
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		dup2(fileno(file), STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execlp(program, program, "-dc", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	from = fdopen(ends[0], "r");
	if (pid > 0 && from)
		text = slurp(from, len);
	if (from)
		fclose(from);
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status)) {
		free(text);
		text = NULL;
		errno = EIO;
	}
	return text;
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

char *machine_unpacked(const char *path, size_t *len)
{
	FILE *file = device_file(path);
	char *text;
	int err;

	if (!file)
		return NULL;
	text = ends_in(path, ".gz")  ? through("gzip", file, len) :
	       ends_in(path, ".xz")  ? through("xz", file, len) :
	       ends_in(path, ".zst") ? through("zstd", file, len) : slurp(file, len);
	err = errno;
	fclose(file);
	errno = err;
	return text;
}

/* There, readable or not; not opened, as that may be refused with a line in the log. */
bool machine_has(const char *fmt, ...)
{
	char *path = NULL;
	struct look look;
	va_list args;
	bool there;

	va_start(args, fmt);
	if (vasprintf(&path, fmt, args) < 0)
		path = NULL;
	va_end(args);
	there = !device_look(need(path), &look) || errno != ENOENT;
	free(path);
	return there;
}

int machine_number(const char *path, int64_t *value)
{
	char *text = machine_text("%s", path), *end;
	int status = -1;

	if (!text)
		return -1;
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (end != text && !*end && !errno)
		status = 0;
	else
		errno = EINVAL;
	free(text);
	return status;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int machine_list(const char *path, char ***names)
{
	DIR *dir = device_dir(path);
	struct dirent *entry;
	int n = 0;

	*names = NULL;
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		*names = need(realloc(*names, (n + 1) * sizeof(**names)));
		(*names)[n++] = need(strdup(entry->d_name));
	}
	closedir(dir);
	if (n)
		qsort(*names, n, sizeof(**names), by_name);
	return n;
}

void machine_list_free(char **names, int n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}

enum known machine_config(const struct machine *m, const char *option)
{
	enum known answer;
	char *line;

	if (!m->config)
		return KNOWN_NOT;
	/* What is not offered is not mentioned, and not there. */
	line = print("\nCONFIG_%s=y\n", option);
	answer = strstr(m->config, line) ? KNOWN_YES : KNOWN_NO;
	free(line);
	return answer;
}

char *machine_parameter(const struct machine *m, const char *name)
{
	size_t len = strlen(name);
	char *value = NULL;
	const char *at = m->cmdline;

	while (at && *(at += strspn(at, " \n"))) {
		size_t word = strcspn(at, " \n");

		if (!strncmp(at, name, len) && at[len] == '=') {
			free(value);
			value = need(strndup(at + len + 1, word - len - 1));
		}
		at += word;
	}
	return value;
}

enum known machine_symbol(const struct machine *m, const char *name, const char *module)
{
	char *word = module ? print(" %s\t[%s]", name, module) : print(" %s", name);
	size_t len = strlen(word);
	const char *at = m->symbols;
	enum known answer = at && *at ? KNOWN_NO : KNOWN_NOT;

	while (answer == KNOWN_NO && (at = strstr(at, word))) {
		at += len;
		if (!*at || *at == '\n')
			answer = KNOWN_YES;
	}
	free(word);
	return answer;
}

bool machine_flag(const struct machine *m, const char *flag)
{
	char *word = print(" %s ", flag);
	bool there = m->flags && strstr(m->flags, word);

	free(word);
	return there;
}

/* Of the running kernel, as it says itself, or as its package does. With a newline before the first line. */
static char *learn_config(const char *release)
{
	char *paths[] = {
		print("/proc/config.gz"),
		print("/boot/config-%s", release),
		print("/lib/modules/%s/config", release),
		print("/lib/modules/%s/build/.config", release),
	};
	char *config = NULL, *text;
	size_t i, len;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		text = config ? NULL : machine_unpacked(paths[i], &len);
		/* Not an empty file, nor what is something else. */
		if (text && strstr(text, "CONFIG_"))
			config = print("\n%s", text);
		free(text);
		free(paths[i]);
	}
	return config;
}

static char *learn_flags(void)
{
	char *text = machine_text("/proc/cpuinfo"), *flags = NULL, *line, *rest = text;

	while (rest && !flags && (line = strsep(&rest, "\n"))) {
		char *colon = strchr(line, ':');

		if (colon && (!strncmp(line, "flags", 5) || !strncmp(line, "Features", 8)))
			flags = print("%s ", colon + 1);
	}
	free(text);
	return flags;
}

/* "none [integrity] confidentiality" */
static void learn_lockdown(struct machine *m)
{
	char *text = machine_text("/sys/kernel/security/lockdown");
	char **names;
	int n;

	m->lockdown = LOCKDOWN_UNKNOWN;
	if (text) {
		if (strstr(text, "[none]"))
			m->lockdown = LOCKDOWN_NONE;
		else if (strstr(text, "[integrity]"))
			m->lockdown = LOCKDOWN_INTEGRITY;
		else if (strstr(text, "[confidentiality]"))
			m->lockdown = LOCKDOWN_CONFIDENTIALITY;
		else
			m->lockdown_why = "/sys/kernel/security/lockdown says nothing that is known";
		free(text);
		return;
	}
	if (errno != ENOENT) {
		m->lockdown_why = "/sys/kernel/security/lockdown cannot be read";
		m->lockdown_how = "run the audit as root";
		return;
	}
	n = machine_list("/sys/kernel/security", &names);
	if (n > 0)
		machine_list_free(names, n);
	m->lockdown_why = "securityfs is not mounted";
	m->lockdown_how = "as root: mount -t securityfs securityfs /sys/kernel/security";
	/* Mounted, there is always something in it: then this kernel has no lockdown. */
	if (n > 0 || machine_config(m, "SECURITY_LOCKDOWN_LSM") == KNOWN_NO) {
		m->lockdown = LOCKDOWN_NONE;
		m->lockdown_why = "this kernel has no lockdown, or its lsm= leaves it out";
	}
}

void machine_learn(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	device_release(m->release, sizeof(m->release));
	m->config = learn_config(m->release);
	m->cmdline = machine_text("/proc/cmdline");
	m->symbols = machine_text("/proc/kallsyms");
	m->flags = learn_flags();
	learn_lockdown(m);
}

void machine_forget(struct machine *m)
{
	free(m->config);
	free(m->cmdline);
	free(m->symbols);
	free(m->flags);
}
