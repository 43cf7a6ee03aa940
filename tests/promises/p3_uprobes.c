// SPDX-License-Identifier: GPL-2.0-only
/*
 * P3: uprobes. As long as a process has a breakpoint of them, it stands still, however many there are; when the last one has gone it goes on. They
 * change what is executed, with no trap where they are in the middle of an instruction, or among data. Of those that were there before the process
 * opened the device, handlers are called, and can read no region.
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
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define EVENTS	"/sys/kernel/tracing/uprobe_events"
#define ENABLE	"/sys/kernel/tracing/events/uprobes/enable"
#define EVENTS_OF	"/sys/kernel/tracing/events/uprobes/"
#define ROUNDS	20

static char *page;

/* Where uprobes are put: one place each. */
#define PLACE(n) \
	static __attribute__((noinline)) void place_##n(volatile long *rounds) { *rounds += (n) >= 0; }
PLACE(0) PLACE(1) PLACE(2) PLACE(3) PLACE(4) PLACE(5) PLACE(6) PLACE(7) PLACE(8) PLACE(9) PLACE(10) PLACE(11)

static void (*const places[])(volatile long *rounds) = { place_0, place_1, place_2, place_3, place_4, place_5, place_6, place_7, place_8, place_9,
							 place_10, place_11 };
#define PLACES	(sizeof(places) / sizeof(*places))

/* Touches no region. */
static void *touch_nothing(void *unused)
{
	while (shared->command != 1) {
		for (size_t i = 0; i < PLACES; i++)
			places[i](&shared->others);
		usleep(1000);
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
		pthread_create(&thread, NULL, touch_nothing, NULL);
		shared->ready = 1;
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
	ok(victim_stands_still(&shared->rounds), "it stands still");
	ok(victim_stands_still(&shared->others), "so does a thread that touches no region");
	remove_all(PLACES);
	ok(victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others) && !shared->wrong, "when they have gone, it goes on as if nothing had happened");
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

/* Where there was one before, somebody else has one put, too. That one is no other one. */
static void once_more(void)
{
	char event[PATH_MAX + 96], place[PATH_MAX + 64];
	bool added = add_place(5, 'p') && victim_set(ENABLE, "1"), went_on;
	pid_t pid = start(false);

	ok(added && victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others), "control: there was a breakpoint before: it goes on");
	victim_place(places[5], place, sizeof(place));
	snprintf(event, sizeof(event), "p:p3_again %s", place);
	added = victim_set(EVENTS, event) && victim_set(ENABLE, "1");
	went_on = victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others);
	victim_set(EVENTS_OF "p3_again/enable", "0");
	victim_set(EVENTS, "-:p3_again");
	ok(added && went_on && victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others),
	   "another one is put there, and goes: it goes on");
	ok(add_place(6, 'p') && victim_set(EVENTS_OF "p3_6/enable", "1") && victim_stands_still(&shared->others),
	   "one is put beside it, on the same page: it stands still");
	victim_set(EVENTS_OF "p3_6/enable", "0");
	ok(victim_goes_on(&shared->rounds) && victim_goes_on(&shared->others) && !shared->wrong, "that has gone: it goes on");
	remove_all(7);
	victim_end(pid);
}

static void refuse(void)
{
	pid_t pid = start(true);

	ok(add_place(0, 'p') && victim_set(ENABLE, "1") && victim_stands_still(&shared->rounds) && !shared->tid,
	   "who wants SIGBUS rather than to wait stands still as well");
	remove_all(1);
	ok(victim_goes_on(&shared->rounds) && !shared->wrong && !shared->tid, "and goes on afterwards");
	victim_end(pid);
}

#define TOUCHED	64UL
#define TURNS	8

/* One thread alone, nearly always in a fault: the window does not have what it touches. */
static void touch_on_and_on(void)
{
	struct cryptmem_config config = { .size = sizeof(config), .window = 8 };
	int fd;

	page = victim_region(TOUCHED, &fd);
	if (ioctl(fd, CRYPTMEM_IOC_CONFIG, &config))
		_exit(3);
	for (shared->ready = 1;; shared->rounds++)
		((volatile char *)page)[(unsigned long)shared->rounds % TOUCHED * 4096]++;
}

/* Nobody else is there to see that the breakpoint has gone. */
static void in_faults(void)
{
	pid_t pid = fork();
	bool stood = true, went_on;

	if (pid == 0)
		touch_on_and_on();
	went_on = victim_wait(&shared->ready);
	for (int turn = 0; turn < TURNS && stood && went_on; turn++) {
		stood = add_place(0, 'p') && victim_set(ENABLE, "1") && victim_stands_still(&shared->rounds);
		remove_all(1);
		went_on = victim_goes_on(&shared->rounds);
	}
	ok(stood, "a thread alone that is in the middle of a fault stands still, %d times", TURNS);
	ok(went_on, "it goes on each time");
	victim_end(pid);
}

#ifdef __x86_64__
/* 0; with a breakpoint on its second byte, 0xcc. */
int middle(void);
__asm__(".text; .globl middle; .type middle, @function; middle: movl $0, %eax; ret; .size middle, .-middle");

/* The loader has put that there, and nothing else writes to it. */
#define HIGH	5	/* this byte of each is where the program is, 0x55 or 0x56; in the file it is 0 */
extern int (*const relocated[2])(void);
int (*const relocated[2])(void) = { middle, middle };

/* Gives away what it has when it has been led astray; touches it at the end of each round. */
static pid_t start_reader(bool protected)
{
	pid_t pid = fork();
	char *own;

	if (pid && victim_wait(&shared->ready))
		return pid;
	if (pid)
		exit(2);
	own = protected ? victim_region(1, NULL) : malloc(4096);
	victim_make_secret(own);
	shared->ready = 1;
	for (;;) {
		/* Most of the time; so nothing is touched right after the breakpoint has come. */
		usleep(1000);
		if (middle())
			memcpy((void *)shared->loot, own, SECRET_LEN);
		((volatile char *)own)[4095]++;
		shared->rounds++;
	}
}

/* A breakpoint there, for a while. */
static bool put(const void *there, int offset, bool *stood)
{
	char event[PATH_MAX + 96], place[PATH_MAX + 64];
	bool found = victim_place((const char *)there + offset, place, sizeof(place));

	snprintf(event, sizeof(event), "p:p3_0 %s", place);
	if (!found || !victim_set(EVENTS, event) || !victim_set(ENABLE, "1")) {
		tap_note("%s cannot have one", place);
		return false;
	}
	*stood = victim_stands_still(&shared->rounds);
	remove_all(1);
	return true;
}

static void in_the_middle(void)
{
	pid_t pid = start_reader(false);
	bool stood;

	ok(put((void *)middle, 1, &stood) && victim_was_looted(),
	   "control: a breakpoint in the middle of an instruction leads a process astray: what is in ordinary memory is given away");
	victim_end(pid);
	pid = start_reader(true);
	ok(put((void *)middle, 1, &stood) && stood, "a process with a region stands still then");
	ok(victim_goes_on(&shared->rounds) && !victim_was_looted(), "afterwards it goes on, and nothing has been given away");
	victim_end(pid);
}

/* The first is still what the loader has put there. */
static bool relocated_well(pid_t pid)
{
	int (*word)(void) = NULL;
	struct iovec local = { &word, sizeof(word) }, remote = { (void *)&relocated[0], sizeof(word) };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == sizeof(word) && word == middle;
}

static void among_data(void)
{
	pid_t pid = start_reader(false), ended;
	bool stood, well = relocated_well(pid);
	int status = 0;

	ok(well && put(&relocated[0], HIGH, &stood) && !relocated_well(pid) && waitpid(pid, &status, WNOHANG) == 0,
	   "control: a breakpoint on a pointer leaves another one there when it has gone");
	victim_end(pid);
	pid = start_reader(true);
	/* The other one is now, in its parent, too, what it is in the file. */
	ended = put(&relocated[1], HIGH, &stood) ? 0 : -1;
	for (int i = 0; i < 10000 && ended == 0; i++) {
		usleep(1000);
		ended = waitpid(pid, &status, WNOHANG);
	}
	ok(ended == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "a process with a region is locked then: SIGBUS");
	ok(victim_log("memory written by p3_uprobes"), "the log says by whom");
	victim_end(pid);
}
#endif

int main(void)
{
	victim_setup();
	many();
	refuse();
	in_faults();
	once_more();
	interrupted();
	from_before('p');
	from_before('r');
	if (victim_watch("uprobe_notify_resume")) {
		tap_note("somebody else watches the kernel's function for that:");
		from_before('p');
		victim_watch(NULL);
	} else {
		ok(true, "somebody else watches the kernel's function for that # SKIP the kernel has no function tracer");
	}
#ifdef __x86_64__
	in_the_middle();
	among_data();
#else
	ok(true, "breakpoints in the middle of an instruction # SKIP this machine has none");
#endif
	return tap_done();
}
