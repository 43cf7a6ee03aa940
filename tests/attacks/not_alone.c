// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2: who watches the functions by which events read memory may nest events so deep that the module is no longer called (trace:nested of the
 * ways). So as long as somebody watches one of these, or the one that says so, protected memory is sealed, and who touches it waits.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "victim.h"

#define TRACING	"/sys/kernel/tracing/"
#define READS	"copy_from_user_nofault"
#define WRITES	"text_poke_queue"	/* changes the kernel's code */

static char *stack_for_signals;

static void on_signal(int signal)
{
	char local[SECRET_LEN];

	(void)signal;
	/* There it is that this runs. */
	shared->wrong += (size_t)(local - stack_for_signals) >= (size_t)SIGSTKSZ;
	shared->others++;
}

enum kind { ORDINARY, PROTECTED, REFUSING, TRACED, BUSY };

static pid_t start(enum kind kind)
{
	struct cryptmem_config refuse = { .size = sizeof(refuse), .flags = CRYPTMEM_CONFIG_REFUSE };
	char secret[SECRET_LEN];
	stack_t stack = { .ss_size = (size_t)SIGSTKSZ };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	pid_t pid = fork();
	char *page;
	int fd = -1;

	if (pid)
		return pid;
	if (kind == TRACED) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
	}
	page = kind == ORDINARY ? calloc(8, 4096) : victim_region(8, &fd);
	if (kind == REFUSING && ioctl(fd, CRYPTMEM_IOC_CONFIG, &refuse))
		_exit(2);
	victim_make_secret(page);
	memcpy(secret, page, SECRET_LEN);
	stack_for_signals = stack.ss_sp = page + 4096;
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	shared->ready = 1;
	for (;; shared->rounds++) {
		shared->wrong += memcmp(page, secret, SECRET_LEN) != 0;
		memset(page + 7 * 4096, (char)shared->rounds, 16);
		/* Who never leaves its CPU is not looked at when it comes back to it. */
		if (kind != BUSY)
			usleep(200);
	}
}

static bool set_probe(const char *function)
{
	char text[96];

	snprintf(text, sizeof(text), "p:alone/probe %s\n", function);
	return victim_set(TRACING "kprobe_events", text) && victim_set(TRACING "events/alone/probe/enable", "1");
}

static bool remove_probe(void)
{
	return victim_set(TRACING "events/alone/probe/enable", "0") && victim_set(TRACING "kprobe_events", "-:alone/probe\n");
}

static bool ends(pid_t pid)
{
	for (int i = 0; i < 3000; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(1000);
	}
	return false;
}

static void who_reads(void)
{
	pid_t victim = start(PROTECTED);

	victim_wait(&shared->ready);
	ok(set_probe("get_user_pages_remote") && victim_goes_on(&shared->rounds), "a function that reads nothing where its owner runs may be watched");
	remove_probe();
	for (int i = 0; i < 2; i++) {
		ok(set_probe(READS) && victim_stands_still(&shared->rounds), "a probe at " READS "(): no protected memory is used");
		ok(remove_probe() && victim_goes_on(&shared->rounds), "it is when the probe has gone");
	}
	ok(victim_log(READS "() is watched by somebody else"), "the log says so");
	ok(!shared->wrong, "nothing is lost");
	victim_end(victim);
}

static void who_writes(void)
{
	pid_t victim = start(PROTECTED);

	victim_wait(&shared->ready);
	ok(victim_watch(WRITES) && victim_stands_still(&shared->rounds), "a tracer at " WRITES "(): none is used");
	ok(set_probe(READS) && victim_watch(NULL) && victim_stands_still(&shared->rounds), "nor when it has gone, and a probe at " READS "() has come");
	ok(remove_probe() && victim_goes_on(&shared->rounds), "it is when both have gone");
	ok(victim_watch(READS) && victim_stands_still(&shared->rounds), "a tracer at " READS "(): none is used");
	ok(victim_watch(NULL) && victim_goes_on(&shared->rounds), "it is when the tracer has gone");
	ok(!shared->wrong, "nothing is lost");
	victim_end(victim);
}

static void who_comes_late(void)
{
	pid_t victim;

	set_probe(READS);
	victim = start(ORDINARY);
	victim_wait(&shared->ready);
	ok(victim_goes_on(&shared->rounds), "meanwhile, who has ordinary memory goes on");
	victim_end(victim);
	victim = start(PROTECTED);
	usleep(1000000);
	ok(!shared->ready, "memory that is made then waits, too");
	ok(remove_probe() && victim_goes_on(&shared->rounds), "it can be used when the probe has gone");
	victim_end(victim);
}

static void who_is_busy(void)
{
	pid_t victim = start(BUSY);
	long before;
	bool set;

	victim_wait(&shared->ready);
	set = set_probe(READS);
	before = shared->rounds;
	usleep(300000);
	ok(set && shared->rounds <= before + 1, "who computes without a pause does not go on when the probe is there");
	ok(remove_probe() && victim_goes_on(&shared->rounds), "it goes on when it has gone");
	victim_end(victim);
}

static void who_is_refused(void)
{
	pid_t victim = start(REFUSING);

	victim_wait(&shared->ready);
	ok(set_probe(READS) && victim_stands_still(&shared->rounds), "who wants to be refused under a debugger waits, too");
	ok(remove_probe() && victim_goes_on(&shared->rounds), "it goes on when the probe has gone");
	victim_end(victim);
}

static void who_is_traced(void)
{
	pid_t victim = start(TRACED);
	int status;

	waitpid(victim, &status, 0);
	ptrace(PTRACE_CONT, victim, 0, 0);
	victim_wait(&shared->ready);
	ok(victim_goes_on(&shared->rounds) && set_probe(READS) && victim_stands_still(&shared->rounds), "who was traced from the start waits, too");
	ok(remove_probe() && victim_goes_on(&shared->rounds), "it goes on under its tracer when the probe has gone");
	victim_end(victim);
}

static void who_gets_a_signal(void)
{
	pid_t victim = start(PROTECTED);

	victim_wait(&shared->ready);
	set_probe(READS);
	victim_stands_still(&shared->rounds);
	kill(victim, SIGUSR1);
	ok(victim_stands_still(&shared->rounds) && !shared->others, "a signal whose frame would be in protected memory waits");
	ok(remove_probe() && victim_goes_on(&shared->rounds) && shared->others == 1, "it is handled when the probe has gone");
	ok(!shared->wrong, "nothing is lost");
	set_probe(READS);
	victim_stands_still(&shared->rounds);
	kill(victim, SIGUSR1);
	usleep(100000);
	kill(victim, SIGKILL);
	ok(ends(victim), "who waits so can be killed");
	remove_probe();
}

int main(void)
{
	victim_setup();
#ifdef __x86_64__
	who_reads();
	who_writes();
	who_comes_late();
	who_is_busy();
	who_is_refused();
	who_is_traced();
	who_gets_a_signal();
#else
	ok(true, "who else watches what reads memory # SKIP this machine's kernel does not say when that begins");
	(void)who_reads;
	(void)who_writes;
	(void)who_comes_late;
	(void)who_is_busy;
	(void)who_is_refused;
	(void)who_is_traced;
	(void)who_gets_a_signal;
#endif
	return tap_done();
}
