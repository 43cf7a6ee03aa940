// SPDX-License-Identifier: GPL-2.0-only
/*
 * units: the parsers on good, odd and malformed text; what may be preloaded into.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "fallback.h"
#include "parse.h"
#include "target.h"
#include "util.h"

static int tests, failures;

static void ok(bool good, const char *fmt, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	failures += !good;
}

/* What main.c has for the others. */
int usage_of(const char *subcommand)
{
	(void)subcommand;
	return 0;
}

#define TOTALS                                                                                              \
	"domains 2\nregions 3\nused_pages 14\nwindow_pages 5\nseals 10\nclean_seals 30\nunseals 25\n"       \
	"switch_seals 4\nswitch_ns 10000\nswitch_ns_max 5000\ntampered 1\nfaults 99\nevictions 7\nlocks 3\n" \
	"parked 2\nrefused 18446744073709551615\n"
#define HEADER                                                                                            \
	"pid comm state regions mapped_pages used_pages window_pages window seals clean_seals unseals "   \
	"switch_seals switch_ns switch_ns_max tampered faults evictions locks parked refused\n"
#define NUMBERS " 1 16384 14 5 32 299 1 285 37 190 27 0 25 0 1 2 3\n"

static FILE *text(const char *bytes, size_t len)
{
	FILE *file = len ? fmemopen((void *)(uintptr_t)bytes, len, "r") : fopen("/dev/null", "re");

	return need(file);
}

static int totals_of(const char *bytes, size_t len, struct totals *t)
{
	FILE *file = text(bytes, len);
	int status = parse_totals(file, t);

	fclose(file);
	return status;
}

static int domains_of(const char *bytes, size_t len, struct domain **d)
{
	FILE *file = text(bytes, len);
	int n;

	*d = NULL;
	n = parse_domains(file, d);
	fclose(file);
	return n;
}

static bool totals_refused(const char *bytes)
{
	struct totals t;

	return totals_of(bytes, strlen(bytes), &t) == -1;
}

static bool domains_refused(const char *bytes)
{
	struct domain *d;

	return domains_of(bytes, strlen(bytes), &d) == -1 && !d;
}

static void test_u64(void)
{
	static const char *const wrong[] = {
		"", " ", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616", "99999999999999999999999",
	};
	uint64_t value = 1;
	size_t i;

	ok(!parse_u64("0", &value) && !value, "u64: 0");
	ok(!parse_u64("18446744073709551615", &value) && value == UINT64_MAX, "u64: the largest");
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ok(parse_u64(wrong[i], &value), "u64: refused: '%s'", wrong[i]);
}

static void test_totals(void)
{
	const char *good = TOTALS;
	struct totals t;
	size_t len;

	ok(!totals_of(good, strlen(good), &t) && t.domains == 2 && t.clean_seals == 30 && t.switch_ns_max == 5000 &&
		   t.locks == 3 && t.refused == UINT64_MAX,
	   "totals: as the module writes them");
	ok(stats_clean_share(&t) == 0.75, "totals: share of clean seals");
	ok(stats_switch_mean(&t) == 2500, "totals: mean time of a switch");
	memset(&t, 0, sizeof(t));
	ok(stats_clean_share(&t) < 0 && stats_switch_mean(&t) < 0, "totals: nothing derived from nothing");
	ok(!totals_of("news 5\n" TOTALS, strlen(TOTALS) + 7, &t) && t.domains == 2,
	   "totals: a name that only a newer module has");
	ok(totals_refused("seals 10\n" TOTALS), "totals: refused: a name twice");
	ok(totals_refused("news\n" TOTALS), "totals: refused: no value");
	ok(totals_refused("news x\n" TOTALS), "totals: refused: no number");
	ok(totals_refused("\n" TOTALS), "totals: refused: an empty line");
	ok(totals_of("news 5\0x\n" TOTALS, strlen(TOTALS) + 9, &t), "totals: refused: a NUL");
	for (len = 0; len < strlen(good); len++)
		if (!totals_of(good, len, &t))
			break;
	ok(len == strlen(good), "totals: refused: cut short anywhere (%zu)", len);
}

static void test_domains(void)
{
	const char *two = HEADER "193 sleep active" NUMBERS "7 a\\040b\\134 locked" NUMBERS;
	struct domain *d;
	size_t len, cut = 0;
	int n;

	n = domains_of(two, strlen(two), &d);
	ok(n == 2 && d[0].pid == 193 && !strcmp(d[0].comm, "sleep") && !strcmp(d[0].state, "active") &&
		   d[0].regions == 1 && d[0].mapped_pages == 16384 && d[0].used_pages == 14 && d[0].window == 32 &&
		   d[0].parked == 2 && d[0].refused == 3 && d[0].tampered == 0 && d[0].switch_ns_max == 27 &&
		   d[0].locks == 1,
	   "domains: as the module writes them");
	ok(n == 2 && d[1].pid == 7 && !strcmp(d[1].comm, "a b\\"), "domains: an escaped name");
	free(d);
	n = domains_of(HEADER, strlen(HEADER), &d);
	ok(n == 0, "domains: none");
	free(d);
	two = HEADER "8  active" NUMBERS;
	n = domains_of(two, strlen(two), &d);
	ok(n == 1 && !*d[0].comm && d[0].regions == 1, "domains: an empty name");
	free(d);
	two = HEADER "8 \033[2J\302\233x\303\244\377 active" NUMBERS;
	n = domains_of(two, strlen(two), &d);
	ok(n == 1 && !strcmp(d[0].comm, "?[2J\?\?x\303\244?"), "domains: no control characters from a name");
	free(d);
	two = "news " HEADER "5 8 x active" NUMBERS;
	n = domains_of(two, strlen(two), &d);
	ok(n == 1 && d[0].pid == 8 && d[0].refused == 3, "domains: a column that only a newer module has");
	free(d);

	ok(domains_refused(""), "domains: refused: nothing");
	ok(domains_refused("pid comm state\n"), "domains: refused: columns missing");
	ok(domains_refused("pid " HEADER), "domains: refused: a column twice");
	ok(domains_refused(HEADER "8 x" NUMBERS), "domains: refused: a field too few");
	ok(domains_refused(HEADER "8 x active 1" NUMBERS), "domains: refused: a field too many");
	ok(domains_refused(HEADER "0 x active" NUMBERS), "domains: refused: pid 0");
	ok(domains_refused(HEADER "4294967297 x active" NUMBERS), "domains: refused: a pid too large");
	ok(domains_refused(HEADER "8 x\\04 active" NUMBERS), "domains: refused: half an escape");
	ok(domains_refused(HEADER "8 x\\000 active" NUMBERS), "domains: refused: an escaped NUL");
	ok(domains_refused(HEADER "8 x active-as-can-be-and-more" NUMBERS), "domains: refused: an endless state");
	ok(domains_refused(HEADER "8 x active 1 -1 14 5 32 299 1 285 37 190 27 0 25 0 1 2 3\n"),
	   "domains: refused: a negative number");
	two = HEADER "193 sleep active" NUMBERS;
	for (len = 0; len < strlen(two); len++) {
		cut += domains_of(two, len, &d) >= 0;
		free(d);
	}
	ok(cut == 1, "domains: refused: cut short anywhere but after the header (%zu)", cut);
}

/* For the sanitizers: any bytes at all. */
static void test_noise(void)
{
	const char *good = HEADER "193 sleep active" NUMBERS "7 a\\040b\\134 locked" NUMBERS;
	size_t len = strlen(good), i;
	char *bytes = need(malloc(len));
	struct domain *d;
	struct totals t;
	int round, taken = 0;

	srandom(1);
	for (round = 0; round < 20000; round++) {
		memcpy(bytes, good, len);
		for (i = random() % 4; i; i--)
			bytes[random() % len] = random() % 3 ? "\\ \n0937ax"[random() % 9] : random();
		taken += domains_of(bytes, 1 + random() % len, &d) >= 0;
		free(d);
		totals_of(bytes, len, &t);
	}
	free(bytes);
	ok(taken < round, "noise: %d of %d altered texts were taken, nothing broke", taken, round);
}

static void test_text(void)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "", "" },
		{ "plain ~", "plain ~" },
		{ "\x7f\t\r", "???" },
		{ "\303\244\342\202\254\360\237\230\200", "\303\244\342\202\254\360\237\230\200" },
		{ "\303", "?" },
		{ "\342\202", "??" },
		{ "\300\257", "??" }, /* overlong */
		{ "\355\240\200", "???" }, /* a surrogate */
		{ "\364\220\200\200", "????" }, /* too large */
		{ "\302\205", "??" }, /* C1 */
	};
	char room[32];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		strcpy(room, cases[i].from);
		text_clean(room);
		ok(!strcmp(room, cases[i].to), "text: case %zu is clean", i);
	}
}

static void test_gives_away(void)
{
	unsigned char pattern[64], seen[64];
	size_t i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = 100 + i;
	memset(seen, 0, sizeof(seen));
	ok(!check_gives_away(seen, sizeof(seen), pattern), "pattern: not in zeros");
	ok(!check_gives_away(pattern, 0, pattern) && !check_gives_away(pattern, -1, pattern),
	   "pattern: not in what was not read");
	ok(!check_gives_away(pattern, 7, pattern), "pattern: not in less than a word");
	ok(check_gives_away(pattern, sizeof(pattern), pattern), "pattern: all of it");
	memcpy(seen + 40, pattern + 40, 8);
	ok(check_gives_away(seen, sizeof(seen), pattern), "pattern: a word in its place");
	ok(!check_gives_away(seen, 40, pattern), "pattern: a word beyond what was read");
	memset(seen, 0, sizeof(seen));
	memcpy(seen + 33, pattern, 8);
	ok(check_gives_away(seen, sizeof(seen), pattern), "pattern: its first word elsewhere");
}

static char dir[] = "/tmp/cryptmem-units-XXXXXX";

static char *put(const char *name, const void *bytes, size_t len, mode_t mode)
{
	static char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || fchmod(fd, mode) || close(fd))
		abort();
	return path;
}

static bool judged(const char *path, enum target want)
{
	char *culprit;
	enum target got = target_judge(path, &culprit);

	if (got != want)
		printf("# %s: %d, not %d\n", culprit, got, want);
	free(culprit);
	return got == want;
}

struct elf {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
};

static struct elf elf(void)
{
	struct elf f = { .p = { { .p_type = PT_LOAD }, { .p_type = PT_INTERP } } };
	FILE *self = need(fopen("/proc/self/exe", "re"));

	/* So that it is of our machine type. */
	if (fread(&f.e, sizeof(f.e), 1, self) != 1)
		abort();
	fclose(self);
	f.e.e_phoff = offsetof(struct elf, p);
	f.e.e_phnum = 2;
	return f;
}

static bool elf_judged(const struct elf *f, size_t len, enum target want)
{
	return judged(put("program", f, len, 0755), want);
}

static void test_target(void)
{
	struct elf good = elf(), f;
	size_t all = sizeof(good), len;

	ok(elf_judged(&good, all, TARGET_FINE), "target: a dynamic program");
	f = good;
	f.p[1].p_type = PT_NOTE;
	ok(elf_judged(&f, all, TARGET_STATIC), "target: a static one");
	f = good;
	f.e.e_ident[EI_CLASS] = ELFCLASS32;
	ok(elf_judged(&f, all, TARGET_FOREIGN), "target: of 32 bits");
	f = good;
	f.e.e_machine = EM_S390;
	ok(elf_judged(&f, all, TARGET_FOREIGN), "target: of another machine");
	f = good;
	f.e.e_type = ET_REL;
	ok(elf_judged(&f, all, TARGET_MALFORMED), "target: an object file");
	f = good;
	f.e.e_phentsize--;
	ok(elf_judged(&f, all, TARGET_MALFORMED), "target: entries of an odd size");
	f = good;
	f.e.e_phoff = UINT64_MAX - 8;
	ok(elf_judged(&f, all, TARGET_MALFORMED), "target: headers beyond the largest offset");
	f = good;
	f.e.e_phoff = INT64_MAX - sizeof(f.p[0]);
	ok(elf_judged(&f, all, TARGET_MALFORMED), "target: headers beyond the end");
	f = good;
	f.e.e_phnum = UINT16_MAX;
	f.p[1].p_type = PT_NOTE;
	ok(elf_judged(&f, all, TARGET_MALFORMED), "target: more headers than file");
	for (len = SELFMAG; len < all; len++)
		if (!elf_judged(&good, len, TARGET_MALFORMED))
			break;
	ok(len == all, "target: cut short anywhere (%zu)", len);
	ok(judged(put("program", "hello", 5, 0755), TARGET_UNKNOWN), "target: text");
	ok(judged(put("program", "", 0, 0755), TARGET_UNKNOWN), "target: an empty file");
	ok(judged(dir, TARGET_UNKNOWN), "target: a directory");
	ok(judged("/nonexistent", TARGET_UNREADABLE), "target: nothing");
}

static void test_scripts(void)
{
	struct elf good = elf(), statically = good;
	char line[128], loop[64];
	int len;

	strcpy(loop, put("loop", "", 0, 0755));
	len = snprintf(line, sizeof(line), "#!%s\n", loop);
	ok(judged(put("loop", line, len, 0755), TARGET_DEEP), "script: its own interpreter");
	len = snprintf(line, sizeof(line), "#! \t%s -x\nrest", put("program", &good, sizeof(good), 0755));
	ok(judged(put("script", line, len, 0755), TARGET_FINE), "script: of a dynamic program");
	ok(judged(put("script", line, len, 06755), TARGET_FINE), "script: its own setuid bit means nothing");
	statically.p[1].p_type = PT_NOTE;
	put("program", &statically, sizeof(good), 0755);
	ok(judged(put("script", line, len, 0755), TARGET_STATIC), "script: of a static program");
	ok(judged(put("script", "#!\n", 3, 0755), TARGET_MALFORMED), "script: without interpreter");
	ok(judged(put("script", "#!", 2, 0755), TARGET_MALFORMED), "script: cut short");
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!", 2);
	ok(judged(put("script", line, sizeof(line), 0755), TARGET_UNREADABLE), "script: a line without end");
}

static void test_privilege(void)
{
	struct elf good = elf();
	char *path = put("program", &good, sizeof(good), 0755);

	ok(!chmod(path, 06755) && judged(path, TARGET_FINE), "privilege: setuid to who we are");
	if (getuid()) {
		ok(true, "privilege: setuid # SKIP only root can make such a file");
		ok(true, "privilege: setgid # SKIP only root can make such a file");
		return;
	}
	ok(!chown(path, 1, 0) && !chmod(path, 04755) && judged(path, TARGET_SETUID), "privilege: setuid");
	ok(!chown(path, 0, 1) && !chmod(path, 02755) && judged(path, TARGET_SETGID), "privilege: setgid");
	ok(!chmod(path, 02644) && judged(path, TARGET_FINE), "privilege: that bit means mandatory locking");
}

static void test_find(void)
{
	struct elf good = elf();
	char path[64], *found, *old = need(strdup(getenv("PATH")));
	int err;

	strcpy(path, put("program", &good, sizeof(good), 0755));
	setenv("PATH", "/nonexistent:/proc", 1);
	found = target_find("program");
	err = errno;
	ok(!found && err == ENOENT, "find: nowhere");
	setenv("PATH", dir, 1);
	found = target_find("program");
	ok(found && !strcmp(found, path), "find: in PATH");
	free(found);
	found = target_find(path);
	ok(found && !strcmp(found, path), "find: a path is not searched for");
	free(found);
	chmod(path, 0644);
	found = target_find("program");
	err = errno;
	ok(!found && err == EACCES, "find: not executable");
	found = target_find("");
	ok(!found, "find: an empty name");
	found = target_find("/tmp");
	ok(!found, "find: a directory");
	setenv("PATH", old, 1);
	free(old);
}

#define MAPPING(permissions, inode, name) "7f00-7f01 " permissions " 00000000 00:0d " inode "    " name "\n"
#define BODY(rss, flags) "Size: 999 kB\nRss:    " rss " kB\nLocked: 888 kB\nVmFlags: " flags " \n"

static void smaps_of(const char *what, const char *bytes, int want, uint64_t secret, uint64_t locked)
{
	struct fallback f = { 0, "", 7, 7 };
	FILE *file = text(bytes, strlen(bytes));
	int got = fallback_parse(file, &f);

	fclose(file);
	ok(got == want && (want || (f.secret == secret * 1024 && f.locked == locked * 1024)), "smaps: %s", what);
}

static void test_smaps(void)
{
	smaps_of("nothing", "", 0, 0, 0);
	smaps_of("secret memory", MAPPING("rw-s", "10234", "/secretmem (deleted)") BODY("64", "rd wr sh de dd"), 0, 64, 0);
	smaps_of("locked memory, twice", MAPPING("rw-p", "0", "") BODY("8", "rd wr lo dd") MAPPING("r--p", "0", "[heap]") BODY("4", "rd dd sd lo"), 0, 0, 12);
	smaps_of("locked, but dumped", MAPPING("rw-p", "0", "") BODY("8", "rd wr lo"), 0, 0, 0);
	smaps_of("not locked, but not dumped", MAPPING("rw-p", "0", "") BODY("8", "rd wr dd"), 0, 0, 0);
	smaps_of("flags that only look like these", MAPPING("rw-p", "0", "") BODY("8", "xlo ddx lod"), 0, 0, 0);
	smaps_of("a locked file", MAPPING("rw-p", "77", "/etc/passwd") BODY("8", "lo dd"), 0, 0, 0);
	smaps_of("a file that is called so", MAPPING("rw-p", "77", "/secretmem") BODY("8", "rd"), 0, 0, 0);
	smaps_of("both, and others between", MAPPING("r-xp", "5", "/bin/sh") BODY("500", "rd ex") MAPPING("rw-s", "1", "/secretmem (deleted)") BODY("4", "dd")
		 MAPPING("rw-p", "0", "[stack]") BODY("20", "rd") MAPPING("rw-p", "0", "") BODY("16", "lo dd"), 0, 4, 16);
	smaps_of("something else", "Rss: 5 kB\n", -1, 0, 0);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(dir))
		abort();
	test_u64();
	test_totals();
	test_domains();
	test_noise();
	test_text();
	test_gives_away();
	test_target();
	test_scripts();
	test_privilege();
	test_find();
	test_smaps();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (system(command))
		failures++;
	printf("1..%d\n", tests);
	return failures != 0;
}
