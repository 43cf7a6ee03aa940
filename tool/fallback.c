// SPDX-License-Identifier: GPL-2.0-only
/*
 * fallback: see fallback.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fallback.h"
#include "module.h"
#include "parse.h"
#include "util.h"

/**
 * struct mapping - one in smaps, as far as it has been read
 * @secret: of memfd_secret()
 * @anonymous: private, and of no file
 * @resident: bytes that have memory
 */
struct mapping {
	bool secret;
	bool anonymous;
	uint64_t resident;
};

/* 7f0000000000-7f0000001000 rw-s 00000000 00:0d 10234     /secretmem (deleted) */
static bool parse_header(const char *line, struct mapping *m)
{
	unsigned long from, to, inode;
	char permissions[5];
	int name = 0;

	if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu %n", &from, &to, permissions, &inode, &name) != 4 || !name)
		return false;
	m->secret = permissions[3] == 's' && !strncmp(line + name, "/secretmem", strlen("/secretmem"));
	m->anonymous = permissions[3] == 'p' && !inode;
	m->resident = 0;
	return true;
}

/* "VmFlags: rd wr mr mw me lo ac sd": words of two letters */
static bool has_flag(const char *flags, const char *flag)
{
	const char *at = strstr(flags, flag);

	return at && at[-1] == ' ' && strchr(" \n", at[2]);
}

int fallback_parse(FILE *smaps, struct fallback *f)
{
	struct mapping m = { false, false, 0 };
	char line[4096 + 128];
	bool within = false;

	f->secret = f->locked = 0;
	while (fgets(line, sizeof(line), smaps)) {
		uint64_t kib;

		if (parse_header(line, &m)) {
			within = true;
		} else if (!within) {
			return -1;
		} else if (sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
			m.resident = kib * 1024;
		} else if (!strncmp(line, "VmFlags:", strlen("VmFlags:"))) {
			if (m.secret)
				f->secret += m.resident;
			else if (m.anonymous && has_flag(line, "lo") && has_flag(line, "dd"))
				f->locked += m.resident;
		}
	}
	return ferror(smaps) ? -1 : 0;
}

static void read_name(struct fallback *f)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", f->pid);
	file = device_file(path);
	if (!file || !fgets(f->comm, sizeof(f->comm), file))
		strcpy(f->comm, "?");
	f->comm[strcspn(f->comm, "\n")] = 0;
	text_clean(f->comm);
	if (file)
		fclose(file);
}

bool fallback_of(int pid, struct fallback *f)
{
	char path[64];
	FILE *smaps;
	int err;

	f->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	smaps = device_file(path);
	if (!smaps)
		return false;
	err = fallback_parse(smaps, f);
	fclose(smaps);
	if (err || (!f->secret && !f->locked))
		return false;
	read_name(f);
	return true;
}

/* Calls @each for all processes that have some. */
static void visit(void (*each)(const struct fallback *f, void *arg), void *arg)
{
	DIR *proc = device_dir("/proc");
	struct dirent *entry;
	struct fallback f;
	uint64_t pid;

	while (proc && (entry = readdir(proc)))
		if (!parse_u64(entry->d_name, &pid) && pid <= INT_MAX && fallback_of((int)pid, &f))
			each(&f, arg);
	if (proc)
		closedir(proc);
}

static void text_one(const struct fallback *f, void *arg)
{
	bool *any = arg;

	if (!*any)
		printf("\n%7s %-15s %8s %8s  (KiB)\n", "PID", "NAME", "SECRET", "LOCKED");
	*any = true;
	printf("%7d %-15s %8" PRIu64 " %8" PRIu64 "\n", f->pid, f->comm, f->secret / 1024, f->locked / 1024);
}

void fallback_text(void)
{
	bool any = false;

	printf("fallback  %slocked\n", device_secret() ? "secret " : "");
	visit(text_one, &any);
	if (!any)
		puts("\nno process that may be looked at has secret or locked memory");
}

static void json_one(const struct fallback *f, void *arg)
{
	struct json_object *object = need(json_object_new_object());

	json_add_u64(object, "pid", (uint64_t)f->pid);
	json_add_text(object, "name", f->comm);
	json_add_u64(object, "secret_bytes", f->secret);
	json_add_u64(object, "locked_bytes", f->locked);
	json_object_array_add(arg, object);
}

void fallback_json(struct json_object *to)
{
	struct json_object *levels = need(json_object_new_array()), *list = need(json_object_new_array());

	if (device_secret())
		json_object_array_add(levels, need(json_object_new_string("secret")));
	json_object_array_add(levels, need(json_object_new_string("locked")));
	json_object_object_add(to, "fallback", levels);
	visit(json_one, list);
	json_object_object_add(to, "processes", list);
}
