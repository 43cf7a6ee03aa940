// SPDX-License-Identifier: GPL-2.0-only
/*
 * status: what the module is, and whom it protects.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fallback.h"
#include "module.h"
#include "parse.h"
#include "util.h"

static const struct feature {
	uint64_t bit;
	const char *name;
} features[] = {
	{ CRYPTMEM_FEAT_AUTHENTICATED, "authenticated" },
	{ CRYPTMEM_FEAT_STRICT, "strict" },
	{ CRYPTMEM_FEAT_GUARD, "guard" },
	{ CRYPTMEM_FEAT_FOREIGN_WRITE, "foreign_write" },
	{ CRYPTMEM_FEAT_FORK, "fork" },
	{ CRYPTMEM_FEAT_DISCARD, "discard" },
	{ CRYPTMEM_FEAT_POLICY, "policy" },
};

#define FEATURES (sizeof(features) / sizeof(*features))

/**
 * struct asked - the processes asked about
 * @pids: NULL: all
 * @count: how many
 */
struct asked {
	int *pids;
	int count;
};

/* A domain that somebody has only opened the device for protects nothing. */
static bool is_shown(const struct domain *d, const struct asked *a)
{
	int i;

	if (!a->pids)
		return d->regions;
	for (i = 0; i < a->count; i++)
		if (a->pids[i] == d->pid)
			return true;
	return false;
}

static bool is_protected(const struct domain *d)
{
	return d->regions && strcmp(d->state, "locked") && strcmp(d->state, "broken");
}

static bool all_protected(const struct domain *domains, int n, const struct asked *a)
{
	int i, j;

	for (i = 0; i < a->count; i++) {
		bool found = false;

		for (j = 0; j < n; j++) {
			if (domains[j].pid != a->pids[i])
				continue;
			if (!is_protected(&domains[j]))
				return false;
			found = true;
		}
		if (!found)
			return false;
	}
	return true;
}

static void text_module(const struct cryptmem_query *q)
{
	const char *separator = "";
	size_t i;

	printf("module    loaded, interface version %u\n", q->abi);
	printf("cipher    %s%s\n", q->cipher,
	       q->features & CRYPTMEM_FEAT_AUTHENTICATED ? "" : " (does not detect tampering)");
	printf("window    %u pages of %u bytes (%u to %u)\n", q->window_default, q->page_size, q->window_min,
	       q->window_max);
	printf("limits    %" PRIu64 " regions, %" PRIu64 " pages for each user\n", (uint64_t)q->max_regions,
	       (uint64_t)q->max_pages);
	printf("features  ");
	for (i = 0; i < FEATURES; i++) {
		if (!(q->features & features[i].bit))
			continue;
		printf("%s%s", separator, features[i].name);
		separator = " ";
	}
	putchar('\n');
}

static void text_domains(const struct domain *domains, int n, const struct asked *a)
{
	int i, shown = 0;

	for (i = 0; i < n; i++) {
		const struct domain *d = &domains[i];

		if (!is_shown(d, a))
			continue;
		if (!shown++)
			printf("\n%7s %-15s %-6s %7s %15s %6s %6s %7s %8s\n", "PID", "NAME", "STATE", "REGIONS",
			       "USED/MAPPED", "WINDOW", "PARKED", "REFUSED", "TAMPERED");
		printf("%7d %-15s %-6s %7" PRIu64 " %7" PRIu64 "/%-7" PRIu64 " %6" PRIu64 " %6" PRIu64 " %7" PRIu64
		       " %8" PRIu64 "\n",
		       d->pid, d->comm, d->state, d->regions, d->used_pages, d->mapped_pages, d->window, d->parked,
		       d->refused, d->tampered);
	}
	if (!shown && !a->pids)
		puts("\nno process is protected");
}

/* Those asked about who are not in the list: one line each, or none. */
static void text_missing(const struct domain *domains, int n, const struct asked *a)
{
	struct fallback f;
	int i, j;

	for (i = 0; i < a->count; i++) {
		for (j = 0; j < n && domains[j].pid != a->pids[i]; j++)
			;
		if (j < n)
			continue;
		if (fallback_of(a->pids[i], &f))
			printf("%d is not protected; it has %" PRIu64 " KiB of secret and %" PRIu64 " KiB of locked memory\n",
			       f.pid, f.secret / 1024, f.locked / 1024);
		else
			printf("%d is not protected\n", a->pids[i]);
	}
}

/* What there is instead. The reason has been told. */
static void report_absence(const struct asked *a, bool json, int status)
{
	struct json_object *object;

	if (json) {
		object = need(json_object_new_object());
		json_add_bool(object, "loaded", false);
		fallback_json(object);
		json_show(object, status);
	} else if (a->pids) {
		text_missing(NULL, 0, a);
	} else {
		fallback_text();
	}
}

static struct json_object *json_module(const struct cryptmem_query *q)
{
	struct json_object *object = need(json_object_new_object());
	struct json_object *list = need(json_object_new_array());
	size_t i;

	json_add_bool(object, "loaded", true);
	json_add_u64(object, "abi", q->abi);
	json_add_text(object, "cipher", q->cipher);
	json_add_u64(object, "page_size", q->page_size);
	json_add_u64(object, "window_default", q->window_default);
	json_add_u64(object, "window_min", q->window_min);
	json_add_u64(object, "window_max", q->window_max);
	json_add_u64(object, "max_regions", q->max_regions);
	json_add_u64(object, "max_pages", q->max_pages);
	for (i = 0; i < FEATURES; i++)
		if (q->features & features[i].bit)
			json_object_array_add(list, need(json_object_new_string(features[i].name)));
	json_object_object_add(object, "features", list);
	return object;
}

static struct json_object *json_domains(const struct domain *domains, int n, const struct asked *a)
{
	struct json_object *list = need(json_object_new_array());
	const struct counter *c;
	int i;

	for (i = 0; i < n; i++) {
		struct json_object *object;

		if (!is_shown(&domains[i], a))
			continue;
		object = need(json_object_new_object());
		json_add_u64(object, "pid", domains[i].pid);
		json_add_text(object, "name", domains[i].comm);
		json_add_text(object, "state", domains[i].state);
		json_add_bool(object, "protected", is_protected(&domains[i]));
		for (c = parse_domain_counters; c->name; c++)
			json_add_u64(object, c->name, parse_counter(&domains[i], c));
		json_object_array_add(list, object);
	}
	return list;
}

/* How many, or -1: *why and *how tell why not. */
static int read_domains(struct domain **domains, const char **why, const char **how)
{
	FILE *file = module_numbers("domains", why, how);
	int n;

	if (!file)
		return -1;
	n = parse_domains(file, domains);
	fclose(file);
	if (n < 0) {
		*why = "the module's list of domains is malformed";
		*how = "install module and command of one release, then reload the module";
	}
	return n;
}

static int report(const struct asked *a, bool json)
{
	const char *why = NULL, *how = NULL;
	struct json_object *object = NULL;
	struct domain *domains = NULL;
	struct cryptmem_query q;
	int n, status = module_query(&q);

	if (status != EXIT_FINE) {
		if (status == EXIT_NOT_SO)
			report_absence(a, json, status);
		return status;
	}
	n = read_domains(&domains, &why, &how);
	if (json) {
		object = json_module(&q);
		json_object_object_add(object, "processes", n < 0 ? NULL : json_domains(domains, n, a));
	} else if (!a->pids) {
		text_module(&q);
	}
	if (n >= 0) {
		status = all_protected(domains, n, a) ? EXIT_FINE : EXIT_NOT_SO;
		if (!json) {
			text_missing(domains, n, a);
			text_domains(domains, n, a);
		}
	} else if (a->pids) {
		/* What was asked about cannot be told. */
		status = EXIT_TROUBLE;
		error("cannot tell about processes: %s", why);
		if (how)
			hint("%s", how);
	} else if (!json) {
		printf("\nprocesses not shown: %s", why);
		printf(how ? " (%s)\n" : "\n", how);
	}
	if (json)
		json_show(object, status);
	free(domains);
	return status;
}

int command_status(int argc, char **argv)
{
	struct asked a = { NULL, 0 };
	bool json = false;
	int status, i = options(argc, argv, &json, &status);

	if (i < 0)
		return status;
	if (i < argc)
		a.pids = need(calloc(argc - i, sizeof(int)));
	for (; i < argc; i++) {
		uint64_t pid;

		if (parse_u64(argv[i], &pid) || !pid || pid > INT_MAX) {
			free(a.pids);
			return usage_wrong("status", "not a process id: %s", argv[i]);
		}
		a.pids[a.count++] = pid;
	}
	status = report(&a, json);
	free(a.pids);
	return status;
}
