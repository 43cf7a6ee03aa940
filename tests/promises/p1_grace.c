// SPDX-License-Identifier: GPL-2.0-only
/*
 * grace_us: memory stays plaintext for so long after its owner has left its CPU. Who comes back meanwhile has not been sealed; who does not
 * is, although it does not run. Nothing is lost by it. (What is then in RAM: tests/promises/ram.)
 */
#include <linux/if_alg.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define PLAIN	"/sys/module/cryptmem/parameters/max_plain_us"
#define LIMIT	"/sys/module/cryptmem/parameters/grace_us"
#define DOMAINS	"/sys/kernel/debug/cryptmem/domains"
#define DELAY	"/sys/module/suspend/parameters/pm_test_delay"

enum { PAGES = 4, NAP = 500 /* us: long enough to be put off the CPU */, NAPS = 200, FEW = 24, RESTS = 60, TRIES = 20, MANY = 80, ROUNDS = 20, ENDS = 30, LOWERED = 40 };

static void nap(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

/* How often a process is sealed that sleeps so often, and for a moment only. */
static unsigned long sealed(int fd, volatile char *pages)
{
	__u64 before = victim_status(fd).switch_seals;

	for (int i = 0; i < NAPS; i++) {
		pages[i % PAGES * 4096]++;
		nap(NAP);
	}
	return victim_status(fd).switch_seals - before;
}

/* Mostly. A nap may be over before it has begun. */
static bool often(unsigned long seals)
{
	return seals >= NAPS * 3 / 4;
}

static bool rare(unsigned long seals)
{
	return seals < NAPS / 2;
}

/* Whether it is, some time: others may keep it off its CPU for longer, or until its nap is over, for a time. */
static bool is_sealed(bool (*as)(unsigned long seals), int fd, volatile char *pages, unsigned long *seals)
{
	for (int try = 0; try < TRIES; try++) {
		*seals = sealed(fd, pages);
		if (as(*seals))
			return true;
	}
	return false;
}

static void naps(int fd, volatile char *pages)
{
	unsigned long seals;
	bool good = is_sealed(often, fd, pages, &seals);

	ok(good, "control: without it, who naps %d times is sealed as often (%lu times)", NAPS, seals);
	ok(victim_set(LIMIT, "10000"), "grace_us=10000");
	ok(victim_log("grace_us=10000: memory stays plaintext"), "the log says what that means");
	good = is_sealed(rare, fd, pages, &seals);
	ok(good, "who comes back soon is seldom sealed (%lu of %d times)", seals, NAPS);
}

/* Time in plaintext is counted up to now, not up to the last seal. */
static void counted(int fd, volatile char *pages)
{
	struct cryptmem_status before, after;
	bool good = false;

	for (int try = 0; try < TRIES && !good; try++) {
		pages[0]++;
		before = victim_status(fd);
		after = victim_status(fd);
		good = after.switch_seals == before.switch_seals && after.window_pages && after.plain_ns > before.plain_ns;
	}
	ok(good, "the time in plaintext is counted up to now");
}

/* No page is to be plaintext for longer, whoever runs. */
static void at_most(int fd, volatile char *pages)
{
	unsigned long seals = 0;

	victim_set(PLAIN, "100");
	for (int try = 0; try < TRIES && !often(seals); try++)
		seals = sealed(fd, pages);
	ok(often(seals), "with max_plain_us=100, who naps for longer is sealed (%lu of %d times)", seals, NAPS);
	victim_set(PLAIN, "0");
}

/* What is not in use leaves the window of who is never sealed, too. */
static void ages(void)
{
	struct cryptmem_status status = { .window_pages = FEW };
	int fd;
	volatile char *pages = victim_region(FEW, &fd);

	for (int i = 0; i < FEW; i++)
		pages[i * 4096]++;
	for (int try = 0; try < TRIES && status.window_pages > FEW / 2; try++) {
		sealed(fd, pages);
		status = victim_status(fd);
	}
	ok(status.window_pages <= FEW / 2, "%d pages were in use, then %d are: the others leave the window (%llu left)", FEW, PAGES,
	   (unsigned long long)status.window_pages);
	munmap((void *)pages, FEW * 4096);
	close(fd);
}

/* How often a domain has been sealed at switches, by its line for people; -1 when it has none. */
static long column(pid_t pid, const char *name)
{
	char line[1024], *save, *word;
	int wanted = -1, ids = -1, at;
	long id, value, found = -1;
	FILE *f = fopen(DOMAINS, "re");

	if (!f)
		return -1;
	while (found < 0 && fgets(line, sizeof(line), f)) {
		id = value = -1;
		for (at = 0, word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save), at++) {
			if (strcmp(word, name) == 0)
				wanted = at;
			else if (strcmp(word, "pid") == 0)
				ids = at;
			else if (at == ids)
				id = atol(word);
			else if (at == wanted)
				value = atol(word);
		}
		if (id == pid)
			found = value;
	}
	fclose(f);
	return found;
}

/* Writes, says how often it has been sealed by then, and sleeps until it is told to look; so many times. */
static void sleeper(int times)
{
	int fd;
	volatile char *pages = victim_region(PAGES, &fd);
	const struct sched_param first = { .sched_priority = 1 };
	sigset_t set;
	int signal;

	/* Nobody else takes the CPU: it is to go to sleep with a window. */
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		_exit(2);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (times--) {
		for (int i = 0; i < PAGES; i++)
			pages[i * 4096] = (char)(i + times);
		/* So that the timer goes off too early for the next sleep. */
		nap(1000);
		shared->others = (long)victim_status(fd).switch_seals;
		/* Were it put off its CPU before this, its window might be empty when it goes to sleep. */
		pages[0] = pages[0];
		shared->ready = 1;
		sigwait(&set, &signal);
		for (int i = 0; i < PAGES; i++)
			if (pages[i * 4096] != (char)(i + times))
				_exit(1);
	}
	_exit(0);
}

/* Whether it sleeps, and is sealed while it does, as many times, and has what it had. */
static bool is_sealed_asleep(int times, pid_t pid)
{
	int code, nothing = 0;
	bool empty;
	long seals;

	for (int time = 0; time < times; time++) {
		if (!victim_wait(&shared->ready))
			break;
		shared->ready = 0;
		/* Put off its CPU at the last moment, it has put all out itself. Later, that would be for its sleeping long. */
		empty = column(pid, "window_pages") == 0;
		nothing += empty;
		seals = -1;
		for (int i = 0; i < 1000 && seals <= shared->others && !empty; i++) {
			nap(5000);
			seals = column(pid, "switch_seals");
		}
		if (!empty && seals <= shared->others) {
			tap_note("sealed %ld times before it sleeps, %ld then; %ld pages in its window", shared->others, seals, column(pid, "window_pages"));
			break;
		}
		kill(pid, SIGUSR1);
		if (time == times - 1)
			return waitpid(pid, &code, 0) == pid && code == 0 && nothing < times;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &code, 0);
	return false;
}

static void asleep(void)
{
	pid_t pid;

	shared->ready = 0;
	pid = fork();
	if (pid == 0)
		sleeper(3);
	ok(is_sealed_asleep(3, pid), "who sleeps on is sealed although it does not run, and wakes with what it had");
}

/* Who sleeps is sealed as soon as there is no grace any more, not when the timer goes off. */
static void lowered(void)
{
	int good = 0, code;
	pid_t pid;

	shared->ready = 0;
	pid = fork();
	if (pid == 0)
		sleeper(LOWERED);
	for (int i = 0; i < LOWERED && victim_wait(&shared->ready); i++) {
		shared->ready = 0;
		nap(1000);
		victim_set(LIMIT, "0");
		good += column(pid, "switch_seals") > shared->others;
		victim_set(LIMIT, "10000");
		kill(pid, SIGUSR1);
	}
	/* It may not have been asleep yet. */
	ok(waitpid(pid, &code, 0) == pid && code == 0 && good >= LOWERED * 3 / 4, "grace_us=0 seals who sleeps, at once (%d of %d times)", good, LOWERED);
}

static void *rounds(void *argument)
{
	volatile unsigned int *words = argument;
	long wrong = 0;

	for (unsigned int round = 0; round < ROUNDS; round++)
		for (unsigned int i = 0; i < MANY / 2; i++) {
			volatile unsigned int *word = words + i * 1024;

			wrong += *word != (round ? (round - 1) * 77 + i : 0);
			*word = round * 77 + i;
			nap(i % 4 * 60);
		}
	return (void *)wrong;
}

static volatile bool done;

static void *set_limits(void *unused)
{
	static const char *const limits[] = { "0", "100", "10000", "30" };

	(void)unused;
	for (unsigned int i = 0; !done; i++) {
		if (!victim_set(LIMIT, limits[i % 4]))
			return LIMIT;
		nap(300);
	}
	return NULL;
}

static void contents(void)
{
	char *pages = victim_region(MANY, NULL);
	void *others = NULL, *unset = NULL;
	pthread_t thread, setter;
	long wrong;
	int code;
	pid_t pid;

	pthread_create(&setter, NULL, set_limits, NULL);
	pthread_create(&thread, NULL, rounds, pages + MANY / 2 * 4096);
	wrong = (long)rounds(pages);
	pthread_join(thread, &others);
	done = true;
	pthread_join(setter, &unset);
	ok(wrong == 0 && !others && !unset, "two threads write, read and nap, and it is set anew all the time: nothing is lost");
	victim_set(LIMIT, "10000");
	pid = fork();
	if (pid == 0) {
		bool good = true;

		for (int i = 0; i < MANY / 2; i++)
			good = good && *(volatile unsigned int *)(pages + i * 4096) == (unsigned int)((ROUNDS - 1) * 77 + i);
		_exit(!good);
	}
	ok(waitpid(pid, &code, 0) == pid && code == 0, "nor by fork()");
	munmap(pages, MANY * 4096L);
}

/* Has the kernel encrypt, with vector registers, for ever. Returns where it cannot. */
static void encrypt(int cpu)
{
	struct sockaddr_alg alg = { .salg_family = AF_ALG, .salg_type = "skcipher", .salg_name = "cbc(aes)" };
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);
	static char data[16 * 4096], code[sizeof(data)], first[sizeof(data)];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) || fd < 0 || bind(fd, (void *)&alg, sizeof(alg)) ||
	    setsockopt(fd, SOL_ALG, ALG_SET_KEY, data, 16))
		return;
	fd = accept(fd, NULL, NULL);
	for (;;) {
		if (write(fd, data, sizeof(data)) != sizeof(data) || read(fd, code, sizeof(code)) != sizeof(code))
			return;
		if (!shared->rounds++)
			memcpy(first, code, sizeof(first));
		shared->wrong += memcmp(first, code, sizeof(first)) != 0;
	}
}

/* The timer goes off while somebody else uses the registers that sealing wants, too. */
static void registers(void)
{
	cpu_set_t set, all;
	pid_t pid, owner;
	int code;

	shared->rounds = shared->wrong = 0;
	pid = fork();
	if (pid == 0) {
		encrypt(0);
		_exit(2);
	}
	if (!victim_goes_on(&shared->rounds)) {
		kill(pid, SIGKILL);
		waitpid(pid, &code, 0);
		ok(true, "who encrypts meanwhile # SKIP this kernel does it for nobody (AF_ALG)");
		return;
	}
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	victim_set(LIMIT, "300");
	shared->ready = 0;
	owner = fork();
	if (owner == 0)
		sleeper(RESTS);
	sched_setaffinity(0, sizeof(all), &all);
	ok(is_sealed_asleep(RESTS, owner), "who sleeps %d times is sealed each time, while somebody encrypts on that CPU; nothing is lost", RESTS);
	victim_set(LIMIT, "10000");
	kill(pid, SIGKILL);
	ok(waitpid(pid, &code, 0) == pid && WIFSIGNALED(code) && !shared->wrong, "nor of what is encrypted (%ld times)", shared->rounds);
}

/* Owners that come to their end while they have not been sealed yet, and their domains with them. */
static void ends(void)
{
	long domains = 0;
	int good = 0, code;
	char first[64];

	for (int i = 0; i < ENDS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			volatile char *pages = victim_region(PAGES, NULL);

			pages[0] = 1;
			nap(50);
			if (i % 3 == 1)
				execl("/bin/true", "true", NULL);
			if (i % 3 == 2)
				kill(getpid(), SIGKILL);
			_exit(0);
		}
		good += waitpid(pid, &code, 0) == pid && (i % 3 == 2 ? WIFSIGNALED(code) : code == 0);
	}
	ok(good == ENDS, "%d owners exit, run another program, and are killed just after they have come back", ENDS);
	for (int i = 0; i < 500; i++) {
		victim_get("/sys/kernel/debug/cryptmem/totals", first, sizeof(first));
		domains = strncmp(first, "domains ", 8) ? -1 : atol(first + 8);
		/* Ours. */
		if (domains == 1)
			break;
		nap(10000);
	}
	ok(domains == 1, "none of their domains is left (%s)", first);
}

/* A machine that has slept goes on as before. */
static void suspend(int fd, volatile char *pages)
{
	unsigned long seals;
	bool good;

	if (!victim_set("/sys/power/pm_test", "freezer") || !victim_set(DELAY, "1")) {
		ok(true, "suspend # SKIP this kernel has no pm_test; the generic ones do");
		return;
	}
	ok(victim_set("/sys/power/state", "freeze"), "suspend, rehearsed");
	victim_set("/sys/power/pm_test", "none");
	good = is_sealed(rare, fd, pages, &seals);
	ok(good, "after that it is as before (%lu of %d times)", seals, NAPS);
}

int main(void)
{
	char *pages, value[16];
	bool all_again;
	unsigned long seals;
	int fd;

	victim_setup();
	victim_set(LIMIT, "0");
	pages = victim_region(PAGES, &fd);
	naps(fd, pages);
	ok(!victim_set(LIMIT, "10001") && !victim_set(LIMIT, "-1") && !victim_set(LIMIT, "ever"), "10001, -1 and ever are refused");
	victim_get(LIMIT, value, sizeof(value));
	ok(strcmp(value, "10000") == 0, "and change nothing (%s)", value);
	counted(fd, pages);
	at_most(fd, pages);
	ages();
	asleep();
	lowered();
	contents();
	registers();
	ends();
	suspend(fd, pages);
	victim_set(LIMIT, "0");
	all_again = is_sealed(often, fd, pages, &seals);
	ok(all_again, "grace_us=0: all is as before (%lu of %d times)", seals, NAPS);
	munmap(pages, PAGES * 4096);
	close(fd);
	return tap_done();
}
