// SPDX-License-Identifier: GPL-2.0-only
#include "bench.h"
#include "load.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DOMAINS	"/sys/kernel/debug/cryptmem/domains"

/* Columns of DOMAINS that are shown */
static const char *const columns[] = { "seals", "clean_seals", "unseals", "switch_seals", "switch_ns", "faults", "evictions", "plain_ns" };
#define COLUMNS	(sizeof(columns) / sizeof(*columns))
#define PLAIN	(COLUMNS - 1)

static uint64_t switches_of(pid_t pid)
{
	char path[300], line[128];
	uint64_t sum = 0, n;
	struct dirent *entry;
	FILE *file;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/status", pid, entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!file)
			continue;
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) == 1 ||
			    sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &n) == 1)
				sum += n;
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return sum;
}

/* The names of DOMAINS' columns are in its first line. */
static void read_domain(pid_t pid, struct look *look)
{
	char head[1024], line[1024], *name, *value, *names, *values;
	FILE *file = fopen(DOMAINS, "r");

	if (!file)
		return;
	if (!fgets(head, sizeof(head), file))
		head[0] = 0;
	while (fgets(line, sizeof(line), file))
		if (atoi(line) == pid)
			break;
	look->plain_known = strstr(head, columns[PLAIN]) != NULL;
	name = strtok_r(head, " \n", &names);
	value = strtok_r(line, " \n", &values);
	if (feof(file) || !value || atoi(value) != pid)
		name = NULL;
	for (; name && value; name = strtok_r(NULL, " \n", &names), value = strtok_r(NULL, " \n", &values))
		for (size_t i = 0; i < COLUMNS; i++)
			if (strcmp(name, columns[i]) == 0)
				look->counts[i] = strtoull(value, NULL, 10);
	fclose(file);
}

void look_at(pid_t pid, struct look *look)
{
	uint64_t at = now();
	char path[64];
	FILE *file;

	memset(look, 0, sizeof(*look));
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%" SCNu64, &look->cpu_ns) != 1)
			look->cpu_ns = 0;
		fclose(file);
	}
	look->switches = switches_of(pid);
	read_domain(pid, look);
	look->ns = at;
}

/* Nothing where there is no module. */
static void print_cipher(void)
{
	struct cryptmem_query query = { .size = sizeof(query) };
	int fd = open(CRYPTMEM_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, CRYPTMEM_IOC_QUERY, &query) == 0)
		printf("\"cipher\": \"%s\", ", query.cipher);
	if (fd >= 0)
		close(fd);
}

void print_difference(const struct look *from, const struct look *to)
{
	print_cipher();
	printf("\"ns\": %" PRIu64 ", \"switches\": %" PRIu64 ", \"cpu_ns\": %" PRIu64, to->ns - from->ns, to->switches - from->switches,
	       to->cpu_ns - from->cpu_ns);
	for (size_t i = 0; i < COLUMNS; i++)
		if (i == PLAIN && !to->plain_known)
			printf(", \"%s\": null", columns[i]);
		else
			printf(", \"%s\": %" PRIu64, columns[i], to->counts[i] - from->counts[i]);
}

struct pace {
	bool idle;
	unsigned int rate;	/* a second; 0: as many as there can be */
};

static uint64_t work(const struct pace *pace, uint64_t ns, int (*once)(void *arg), void *arg)
{
	uint64_t start = now(), next = start, count = 0;

	if (pace->idle) {
		sleep_until(start + ns);
		return 0;
	}
	while (now() - start < ns) {
		if (once(arg)) {
			fprintf(stderr, "load: a piece of work failed\n");
			exit(1);
		}
		count++;
		if (pace->rate) {
			next += 1000000000 / pace->rate;
			/* Too slow for that rate: whoever reads this compares it with the count. */
			if (next < now())
				next = now();
			sleep_until(next);
		}
	}
	return count;
}

int load_run(char **argv, int (*once)(void *arg), void *arg, unsigned int batch)
{
	unsigned int hz = (unsigned int)atoi(argv[3]);
	pid_t pid = atoi(argv[0]) ?: getpid(), other = hz ? competitor(hz) : 0;
	uint64_t ns = strtoull(argv[1], NULL, 10) * 1000000, count;
	struct pace pace = { strcmp(argv[2], "idle") == 0, (unsigned int)atoi(argv[2]) };
	const char *labels = getenv("LABELS");
	struct look from, to;

	work(&pace, ns / 5, once, arg);
	look_at(pid, &from);
	from.ns = now();
	count = work(&pace, ns, once, arg);
	look_at(pid, &to);
	if (hz)
		end(other);
	printf("{%s%s\"pace\": \"%s\", \"competitor\": %s, \"count\": %" PRIu64 ", ", labels ? labels : "", labels ? ", " : "", argv[2], argv[3],
	       count * batch);
	print_difference(&from, &to);
	printf("}\n");
	fflush(stdout);
	return 0;
}
