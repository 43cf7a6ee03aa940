// SPDX-License-Identifier: GPL-2.0-only
/*
 * check: does it really work here? A child, the owner, keeps a random pattern
 * in protected memory; its parent tries to get at it. The same attempts on the
 * child's ordinary memory must succeed, or they would prove nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "module.h"
#include "util.h"

#define PATTERN_BYTES	16384
#define RUNNING_READS	200
#define WORD		sizeof(uint64_t)
#define CONTROL		"control_" /* so begins the name of what must succeed */

/* What the parent asks for. The owner sleeps while it waits for the next. */
enum { DO_RUN = 'r', DO_VERIFY = 'v' };

/**
 * struct hello - the owner's first words
 * @err: errno, when it could not get its memory
 * @region: where the protected pattern is, in its address space
 * @ordinary: where the other one is
 */
struct hello {
	int err;
	unsigned char *region;
	unsigned char *ordinary;
};

/**
 * struct trial - one self-check
 * @secret: pattern in the region
 * @plain: pattern in ordinary memory
 * @stop: in memory that is shared: the owner is to stop running
 * @owner: its pid
 * @line: socket to it
 * @mem: /proc/PID/mem, or -1
 * @hello: what it said
 * @failed: some check was not passed
 * @blind: some control was not passed
 * @checks: JSON, or NULL: lines of text
 */
struct trial {
	unsigned char secret[PATTERN_BYTES];
	unsigned char plain[PATTERN_BYTES];
	atomic_int *stop;
	pid_t owner;
	int line;
	int mem;
	struct hello hello;
	bool failed;
	bool blind;
	struct json_object *checks;
};

static void owner_prepare(const struct trial *t, struct hello *hello)
{
	int fd = device_open();

	hello->region = fd < 0 ? MAP_FAILED :
				 mmap(NULL, PATTERN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	hello->err = hello->region == MAP_FAILED ? errno : 0;
	hello->ordinary = mmap(NULL, PATTERN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (hello->ordinary == MAP_FAILED)
		hello->err = errno;
	if (hello->err)
		return;
	memcpy(hello->region, t->secret, PATTERN_BYTES);
	memcpy(hello->ordinary, t->plain, PATTERN_BYTES);
}

/* The owner's life. */
static void owner(const struct trial *t, int line)
{
	struct hello hello = { 0, NULL, NULL };
	char what, same;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	owner_prepare(t, &hello);
	if (send(line, &hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello) || hello.err)
		_exit(1);
	while (recv(line, &what, 1, 0) == 1) {
		same = 1;
		if (what == DO_RUN) {
			if (send(line, &same, 1, MSG_NOSIGNAL) != 1)
				_exit(1);
			while (!atomic_load(t->stop))
				for (volatile unsigned char *c = hello.region;
				     c < hello.region + PATTERN_BYTES; c += 64)
					*c = *c;
		} else {
			same = !memcmp(hello.region, t->secret, PATTERN_BYTES);
		}
		if (send(line, &same, 1, MSG_NOSIGNAL) != 1)
			_exit(1);
	}
	_exit(0);
}

/* The owner's answer, or false: it has died. */
static bool answer(struct trial *t, char *a)
{
	return recv(t->line, a, 1, 0) == 1;
}

static bool ask(struct trial *t, char what, char *a)
{
	return send(t->line, &what, 1, MSG_NOSIGNAL) == 1 && answer(t, a);
}

/* The one place that a verdict comes from: no line says FAIL without effect. */
static void tell(struct trial *t, bool good, const char *name, const char *what, const char *detail)
{
	struct json_object *object;

	if (!good && !strncmp(name, CONTROL, strlen(CONTROL)))
		t->blind = true;
	else if (!good)
		t->failed = true;
	if (!t->checks) {
		printf("%-4s  %-55s  %s\n", good ? "ok" : "FAIL", what, detail);
		fflush(stdout);
		return;
	}
	object = need(json_object_new_object());
	json_add_text(object, "name", name);
	json_add_bool(object, "ok", good);
	json_add_text(object, "detail", detail);
	json_object_array_add(t->checks, object);
}

static ssize_t look_mem(struct trial *t, void *buf, unsigned char *at)
{
	if (t->mem < 0) {
		errno = EACCES;
		return -1;
	}
	return pread(t->mem, buf, PATTERN_BYTES, (off_t)(uintptr_t)at);
}

static ssize_t look_readv(struct trial *t, void *buf, unsigned char *at)
{
	struct iovec to = { buf, PATTERN_BYTES }, from = { at, PATTERN_BYTES };

	return process_vm_readv(t->owner, &to, 1, &from, 1, 0);
}

/* One word of the pattern in its place is enough: by chance it is not there. */
bool check_gives_away(const unsigned char *seen, ssize_t len, const unsigned char *pattern)
{
	size_t i;

	if (len <= 0)
		return false;
	for (i = 0; i + WORD <= (size_t)len; i += WORD)
		if (!memcmp(seen + i, pattern + i, WORD))
			return true;
	return memmem(seen, len, pattern, WORD) != NULL;
}

static void try_control(struct trial *t, ssize_t (*look)(struct trial *, void *, unsigned char *),
			  const char *name, const char *what)
{
	unsigned char seen[PATTERN_BYTES];
	ssize_t len = look(t, seen, t->hello.ordinary);
	bool good = len == PATTERN_BYTES && !memcmp(seen, t->plain, PATTERN_BYTES);

	tell(t, good, name, what, good ? "seen, as it should be" : len < 0 ? strerror(errno) : "not seen");
}

static void try_secret(struct trial *t, ssize_t (*look)(struct trial *, void *, unsigned char *),
			 const char *name, const char *what)
{
	unsigned char seen[PATTERN_BYTES];
	ssize_t len = look(t, seen, t->hello.region);
	bool bad = check_gives_away(seen, len, t->secret);

	tell(t, !bad, name, what, bad ? "SEEN" : len < 0 ? strerror(errno) : "ciphertext");
}

static void try_running(struct trial *t)
{
	unsigned char seen[PATTERN_BYTES];
	bool bad = false, dead;
	int i;
	char a;

	dead = !ask(t, DO_RUN, &a);
	for (i = 0; i < RUNNING_READS && !bad && !dead; i++)
		bad = check_gives_away(seen, look_mem(t, seen, t->hello.region), t->secret);
	atomic_store(t->stop, 1);
	dead = dead || !answer(t, &a);
	tell(t, !bad && !dead, "mem_running", "the same while its owner runs, again and again",
	     dead ? "its owner has died" : bad ? "SEEN" : "not seen");
}

static void try_write(struct trial *t)
{
	ssize_t len = -1;

	errno = EACCES;
	if (t->mem >= 0)
		len = pwrite(t->mem, t->plain, WORD, (off_t)(uintptr_t)t->hello.region);
	tell(t, len < 0, "mem_write", "protected memory, written through /proc/PID/mem",
	     len < 0 ? strerror(errno) : "WRITTEN");
}

static void try_contents(struct trial *t)
{
	char same = 0;
	bool alive = ask(t, DO_VERIFY, &same), good = alive && same;

	tell(t, good, "contents", "what its owner finds there afterwards",
	     !alive ? "its owner has died" : same ? "nothing lost" : "CHANGED");
}

static void attempts(struct trial *t)
{
	char *path = print("/proc/%d/mem", (int)t->owner);

	t->mem = open(path, O_RDWR | O_CLOEXEC);
	free(path);
	try_control(t, look_mem, CONTROL "mem", "ordinary memory, read through /proc/PID/mem");
	try_secret(t, look_mem, "mem", "protected memory, read through /proc/PID/mem");
	try_control(t, look_readv, CONTROL "vm_readv", "ordinary memory, read by process_vm_readv()");
	try_secret(t, look_readv, "vm_readv", "protected memory, read by process_vm_readv()");
	try_running(t);
	try_write(t);
	try_contents(t);
	if (t->mem >= 0)
		close(t->mem);
}

/* Have an owner, at rest. */
static int owner_start(struct trial *t)
{
	int ends[2];

	if (getrandom(t->secret, PATTERN_BYTES, 0) != PATTERN_BYTES ||
	    getrandom(t->plain, PATTERN_BYTES, 0) != PATTERN_BYTES)
		return -1;
	t->stop = mmap(NULL, sizeof(*t->stop), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->stop == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	fflush(stdout);
	t->owner = fork();
	if (t->owner < 0)
		return -1;
	if (!t->owner) {
		close(ends[0]);
		owner(t, ends[1]);
	}
	close(ends[1]);
	t->line = ends[0];
	if (recv(t->line, &t->hello, sizeof(t->hello), 0) != sizeof(t->hello))
		t->hello.err = ECHILD;
	errno = t->hello.err;
	return errno ? -1 : 0;
}

static int verdict(const struct trial *t)
{
	int status = t->failed ? EXIT_NOT_SO : t->blind ? EXIT_TROUBLE : EXIT_FINE;

	if (!t->checks)
		puts(t->failed ? "NOT protected" : t->blind ? "not known" : "protected");
	if (status == EXIT_TROUBLE) {
		error("ordinary memory cannot be read here either: nothing has been shown");
		hint("run it as root; see /proc/sys/kernel/yama/ptrace_scope");
	}
	return status;
}

static int check_all(struct trial *t)
{
	int status;

	if (owner_start(t)) {
		error("cannot set up a protected process: %s", strerror(errno));
		status = EXIT_TROUBLE;
	} else {
		attempts(t);
		status = verdict(t);
	}
	if (t->owner > 0) {
		close(t->line);
		kill(t->owner, SIGKILL);
		waitpid(t->owner, NULL, 0);
	}
	return status;
}

int command_check(int argc, char **argv)
{
	struct json_object *object;
	struct cryptmem_query q;
	bool json = false;
	int status, i = options(argc, argv, &json, &status);
	struct trial *t;

	if (i < 0)
		return status;
	if (i < argc)
		return usage_wrong("check", "too many arguments");
	t = need(calloc(1, sizeof(*t)));
	if (json)
		t->checks = need(json_object_new_array());
	status = module_query(&q);
	if (status == EXIT_FINE)
		status = check_all(t);
	if (json) {
		object = need(json_object_new_object());
		/* Not known is not protected. */
		json_add_bool(object, "protected", status == EXIT_FINE);
		json_object_object_add(object, "checks", t->checks);
		json_show(object, status);
	}
	free(t);
	return status;
}
