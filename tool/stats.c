// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats: the module's counters over all domains, the dead ones included, and
 * what follows from them.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "commands.h"
#include "module.h"
#include "parse.h"
#include "util.h"

/* Share of sealed frames that needed no encryption, or -1: none sealed yet. */
double stats_clean_share(const struct totals *t)
{
	double all = (double)t->seals + (double)t->clean_seals;

	return all > 0 ? (double)t->clean_seals / all : -1;
}

/* Nanoseconds for a switch out and in, or -1: there was none. */
double stats_switch_mean(const struct totals *t)
{
	return t->switch_seals ? (double)t->switch_ns / (double)t->switch_seals : -1;
}

static void show_text(const struct totals *t)
{
	double share = stats_clean_share(t), mean = stats_switch_mean(t);
	const struct counter *c;

	for (c = parse_totals_counters; c->name; c++)
		printf("%-16s %" PRIu64 "\n", c->name, parse_counter(t, c));
	if (share >= 0)
		printf("%-16s %.1f %%\n", "clean share", share * 100);
	if (mean >= 0)
		printf("%-16s %.1f us mean, %.1f us worst\n", "switch seal", mean / 1000,
		       (double)t->switch_ns_max / 1000);
}

static void add_double(struct json_object *to, const char *name, double value)
{
	json_object_object_add(to, name, value < 0 ? NULL : need(json_object_new_double(value)));
}

static int show_json(const struct totals *t)
{
	struct json_object *object = need(json_object_new_object());
	const struct counter *c;

	for (c = parse_totals_counters; c->name; c++)
		json_add_u64(object, c->name, parse_counter(t, c));
	add_double(object, "clean_share", stats_clean_share(t));
	add_double(object, "switch_ns_mean", stats_switch_mean(t));
	return json_show(object, EXIT_FINE);
}

int command_stats(int argc, char **argv)
{
	const char *why = NULL, *how = NULL;
	struct totals t = { 0 };
	bool json = false;
	int status, i = options(argc, argv, &json, &status);
	FILE *file;

	if (i < 0)
		return status;
	if (i < argc)
		return usage_wrong("stats", "too many arguments");
	if (!device_loaded())
		return module_unloaded();
	file = module_numbers("totals", &why, &how);
	if (!file) {
		error("cannot read the totals: %s", why);
		if (how)
			hint("%s", how);
		return EXIT_TROUBLE;
	}
	status = parse_totals(file, &t);
	fclose(file);
	if (status) {
		error("the module's totals are malformed");
		hint("install module and command of one release, then reload the module");
		return EXIT_TROUBLE;
	}
	if (json)
		return show_json(&t);
	show_text(&t);
	return EXIT_FINE;
}
