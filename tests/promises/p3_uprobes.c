// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: uprobes. As long as a process has a breakpoint of them, it parks, however many there are; when the last one has gone it goes on, whichever
 * way that has gone: taken out, or unmapped with the code that it was in. Who touches no region runs on meanwhile, and handlers are called.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define EVENTS	"/sys/kernel/tracing/uprobe_events"
#define ENABLE	"/sys/kernel/tracing/events/uprobes/enable"
#define ROUNDS	20
#define COPY	"/dev/shm/p3_text"

static char *page;
static void *text;

/* Where uprobes are put: one place each. */
#define PLACE(n) \
	static __attribute__((noinline)) void place_##n(volatile long *rounds) { *rounds += (n) >= 0; }
PLACE(0) PLACE(1) PLACE(2) PLACE(3) PLACE(4) PLACE(5) PLACE(6) PLACE(7) PLACE(8) PLACE(9) PLACE(10) PLACE(11)

static void (*const places[])(volatile long *rounds) = { place_0, place_1, place_2, place_3, place_4, place_5, place_6, place_7, place_8, place_9,
							 place_10, place_11 };
#define PLACES	(sizeof(places) / sizeof(*places))

/* Touches no region. ->command 2: the other copy of the program is unmapped. */
static void *touch_nothing(void *unused)
{
	while (shared->command != 1) {
		for (size_t i = 0; i < PLACES; i++)
			places[i](&shared->others);
		usleep(1000);
		if (shared->command == 2 && text && munmap(text, 4096) == 0)
			text = NULL;
	}
	return unused;
}

/* With its stack in a region. */
static void *work_on_stack(void *unused)
{
	for (;;) {
		for (size_t i = 0; i < PLACES; i++)
			places[i](&shared->rounds);
		shared->others++;
	}
	return unused;
}

static pid_t start_on_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	pid_t pid = fork();

	if (pid)
		return pid;
	pthread_attr_init(&attr);
	if (pthread_attr_setstack(&attr, victim_region(64, NULL), 64 * 4096UL) || pthread_create(&thread, &attr, work_on_stack, NULL))
		_exit(3);
	for (;;)
		pause();
}

static sigjmp_buf again;

static void refused(int signal)
{
	(void)signal;
	shared->tid++;
	usleep(1000);
	siglongjmp(again, 1);
}

/* @refuse: it gets SIGBUS instead of parking; ->tid counts */
static pid_t start(bool refuse)
{
	struct cryptmem_config config = { .size = sizeof(config), .flags = CRYPTMEM_CONFIG_REFUSE };
	char secret[SECRET_LEN];
	pthread_t thread;
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		page = victim_region(1, &fd);
		signal(SIGBUS, refused);
		if (refuse && ioctl(fd, CRYPTMEM_IOC_CONFIG, &config))
			_exit(3);
		victim_make_secret(page);
		victim_make_secret(secret);
		fd = open(COPY, O_RDONLY);
		text = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		pthread_create(&thread, NULL, touch_nothing, NULL);
		shared->ready = text != MAP_FAILED;
		sigsetjmp(again, 1);
		for (; shared->command != 1; shared->rounds++)
			shared->wrong += memcmp(page, secret, SECRET_LEN) != 0;
		_exit(0);
	}
	if (!victim_wait(&shared->ready))
		exit(2);
	return pid;
}

/* @kind: p, where the function begins, or r, where it ends. */
static bool add_place(int number, char kind)
{
	char event[PATH_MAX + 96], place[PATH_MAX + 64];
	bool found = victim_place(places[number], place, sizeof(place));

	snprintf(event, sizeof(event), "%c:p3_%d %s", kind, number, place);
	return found && victim_set(EVENTS, event);
}

static void remove_all(size_t count)
{
	char event[32];

	victim_set(ENABLE, "0");
	for (size_t i = 0; i < count; i++) {
		snprintf(event, sizeof(event), "-:p3_%zu", i);
		victim_set(EVENTS, event);
	}
}

/* How often a handler has been called, of the event that is there alone. */
static long hits(void)
{
	FILE *f = fopen("/sys/kernel/tracing/uprobe_profile", "r");
	long n = -1;

	if (f && fscanf(f, "%*s %*s %ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static bool called_since(long before)
{
	for (int i = 0; i < 10000 && hits() <= before; i++)
		usleep(1000);
	return before >= 0 && hits() > before;
}

static void many(void)
{
	pid_t pid = start(false);
	bool added = true;

	ok(victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others), "control: it goes on");
	for (size_t i = 0; i < PLACES; i++)
		added = added && add_place((int)i, 'p');
	ok(added && victim_set(ENABLE, "1"), "control: it is given breakpoints in %zu places", PLACES);
	ok(victim_stands_still(&shared->rounds), "it parks");
	ok(victim_goes_on(&shared->others), "a thread that touches no region goes on");
	remove_all(PLACES);
	ok(victim_goes_on(&shared->rounds) && !shared->wrong, "when they have gone, it goes on as if nothing had happened");
	victim_end(pid);
}

static void called(const char *how)
{
	pid_t pid = start(false);
	long before;

	ok(add_place(3, 'p') && victim_set(ENABLE, "1") && victim_stands_still(&shared->rounds), "it has a breakpoint, and parks%s", how);
	before = hits();
	ok(victim_goes_on(&shared->others) && called_since(before), "where it runs into that, handlers are called%s", how);
	remove_all(4);
	ok(victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others) && !shared->wrong, "afterwards it goes on%s", how);
	victim_end(pid);
}

static sigjmp_buf away;

static void leave(int signal)
{
	(void)signal;
	siglongjmp(away, 1);
}

/* Runs into a breakpoint until a signal comes, then touches its region, and waits for the next of ->command. */
static void run_into_it_until_signal(void)
{
	static volatile int turn;

	page = victim_region(1, NULL);
	signal(SIGUSR1, leave);
	shared->ready = 1;
	for (turn = 1;; turn++) {
		while (shared->command < turn)
			usleep(1000);
		if (sigsetjmp(away, 1) == 0) {
			shared->tid = turn;
			for (;;)
				places[5](&shared->others);
		}
		page[0]++;
		shared->rounds++;
	}
}

/* Who is about to have a handler called may do something else instead. */
static void interrupted(void)
{
	bool went_on = add_place(5, 'p') && victim_set(ENABLE, "1");
	pid_t pid = fork();

	if (pid == 0)
		run_into_it_until_signal();
	went_on = victim_wait(&shared->ready) && went_on;
	for (int turn = 1; turn <= ROUNDS && went_on; turn++) {
		shared->command = turn;
		for (int i = 0; i < 10000 && shared->tid < turn; i++)
			usleep(1000);
		usleep((unsigned int)(turn * 377 % 5000));
		kill(pid, SIGUSR1);
		for (int i = 0; i < 10000 && shared->rounds < turn; i++)
			usleep(1000);
		went_on = shared->rounds == turn;
	}
	remove_all(6);
	ok(went_on, "a signal comes where it runs into one, %d times: it goes on", ROUNDS);
	victim_end(pid);
}

/* From before it opened the device: it does not park, and nobody is called who has not had all put out. */
static void from_before(char kind)
{
	pid_t pid;
	long before;
	int status;

	if (!add_place(5, kind) || !victim_set(ENABLE, "1"))
		exit(2);
	before = hits();
	pid = start_on_stack();
	ok(victim_goes_on(&shared->others), "its stack is in a region, and there was one at the %s of a function before: it goes on", kind == 'r' ? "end" : "beginning");
	/* At its end they are only where a return address is kept in a register: the one on the stack cannot be read. */
	if (kind == 'p')
		ok(called_since(before), "handlers are called");
	remove_all(6);
	ok(victim_goes_on(&shared->others) && waitpid(pid, &status, WNOHANG) == 0, "afterwards, too");
	victim_end(pid);
}

static void unmapped(bool refuse)
{
	pid_t pid = start(refuse);

	ok(victim_set(EVENTS, "p:p3_0 " COPY ":0x0") && victim_set(ENABLE, "1") && victim_stands_still(&shared->rounds) && (!refuse || shared->tid),
	   "it has a breakpoint in a file that it maps, and %s", refuse ? "is refused" : "parks");
	shared->command = 2;
	ok(victim_goes_on(&shared->rounds) && !shared->wrong, "it has unmapped that file: it goes on");
	shared->command = 0;
	remove_all(1);
	victim_end(pid);
}

/* Code that can have a breakpoint at its beginning, a page of it. */
static void make_copy(void)
{
#ifdef __x86_64__
	static const unsigned char nothing[] = { 0x90 };
#else
	static const unsigned char nothing[] = { 0x1f, 0x20, 0x03, 0xd5 };
#endif
	int fd = open(COPY, O_RDWR | O_CREAT | O_TRUNC, 0755);

	for (size_t i = 0; i < 4096; i += sizeof(nothing))
		if (write(fd, nothing, sizeof(nothing)) != sizeof(nothing))
			exit(2);
	close(fd);
}

int main(void)
{
	victim_setup();
	make_copy();
	many();
	called("");
	if (victim_watch("uprobe_notify_resume")) {
		called("; somebody else watches the kernel's function for that");
		victim_watch(NULL);
	} else {
		ok(true, "somebody else watches the kernel's function for that # SKIP the kernel has no function tracer");
	}
	interrupted();
	unmapped(false);
	unmapped(true);
	from_before('p');
	from_before('r');
	unlink(COPY);
	return tap_done();
}
