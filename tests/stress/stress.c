// SPDX-License-Identifier: GPL-2.0-only
/*
 * stress [SECONDS [NAME...]]: ill-treats the machine in many ways, for so long each (3), while owners of regions check every page that they
 * have written. Each way counts what it did; at the end nothing of the module's is left. As root, with debugfs; /dev/vda, where there is
 * one, becomes swap space. TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/bystander.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"
#include "worker.h"

/* Seconds more for what has not been able to do anything yet */
#define ENOUGH	120
#define GROUP	"/sys/fs/cgroup/stress"

static time_t until;
static struct tap_random random_state = { .state = 4711 };

/* Until the time is up, and something has been done; but not for ever. */
static bool going_on(long done)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec < until + (done > 0 ? 0 : ENOUGH);
}

static unsigned long any(unsigned long below)
{
	return tap_random(&random_state, below);
}

static void start(pid_t *pids, unsigned int n, const struct work *work)
{
	for (unsigned int i = 0; i < n; i++)
		pids[i] = worker_start(work);
	workers_go_on(n);
}

static void end(pid_t *pids, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		worker_kill(pids[i]);
}

/* The number behind a name in a file of the kernel's. */
static long field(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	char word[64];
	long value = -1;

	while (f && fscanf(f, "%63s %ld%*[^\n]", word, &value) == 2 && strcmp(word, name))
		value = -1;
	if (f)
		fclose(f);
	return value;
}

static bool group_make(const char *limit)
{
	mkdir("/sys/fs/cgroup", 0755);
	victim_set("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
	mkdir(GROUP, 0755);
	victim_set(GROUP "/memory.swap.max", "max");
	victim_set(GROUP "/pids.max", "max");
	return victim_set(GROUP "/memory.max", limit);
}

static void group_enter(void)
{
	victim_set(GROUP "/cgroup.procs", "0");
}

static pid_t start_in_group(const struct work *work)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		group_enter();
		worker_work(work);
	}
	return pid;
}

/* All goes out to the swap space, and comes back. */
static long stress_swap(void)
{
	static const struct work work = { .pages = 1024, .pause_us = 3000 };
	long before = field("/proc/vmstat", "pswpin");
	pid_t pid[2];

	if (access("/dev/vda", F_OK) || system("swapon -s | grep -q vda || { mkswap /dev/vda && swapon /dev/vda; } >/dev/null 2>&1"))
		return -1;
	if (!group_make("max"))
		return -1;
	for (int i = 0; i < 2; i++)
		pid[i] = start_in_group(&work);
	workers_go_on(10);
	while (going_on(field("/proc/vmstat", "pswpin") - before)) {
		victim_set(GROUP "/memory.reclaim", "16M");
		usleep(any(300000));
	}
	end(pid, 2);
	return field("/proc/vmstat", "pswpin") - before;
}

/* They take more than they may, and are killed. */
static long stress_oom(void)
{
	static const struct work work = { .pages = 8192, .grows = true };
	long kills, before;
	pid_t pid[3];

	if (!group_make("12M"))
		return -1;
	victim_set(GROUP "/memory.swap.max", "0");
	before = field(GROUP "/memory.events", "oom_kill");
	for (int i = 0; i < 3; i++)
		pid[i] = start_in_group(&work);
	while (going_on(field(GROUP "/memory.events", "oom_kill") - before)) {
		for (int i = 0; i < 3; i++)
			if (waitpid(pid[i], NULL, WNOHANG) == pid[i])
				pid[i] = start_in_group(&work);
		usleep(5000);
	}
	end(pid, 3);
	kills = field(GROUP "/memory.events", "oom_kill") - before;
	group_make("max");
	return kills;
}

static long stress_hotplug(void)
{
	static const struct work work = { .pages = 40, .migrates = true };
	long cpus = sysconf(_SC_NPROCESSORS_CONF), times = 0;
	char path[64];
	pid_t pid[4];

	if (cpus < 2)
		return -1;
	start(pid, 4, &work);
	while (going_on(times)) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%ld/online", 1 + (long)any((unsigned long)cpus - 1));
		times += victim_set(path, "0");
		usleep(any(100000));
		victim_set(path, "1");
	}
	end(pid, 4);
	return times;
}

static long stress_migration(void)
{
	static const struct work work = { .pages = 40, .migrates = true };
	long before = tally->rounds;
	pid_t pid[6];

	start(pid, 6, &work);
	while (going_on(tally->rounds - before))
		usleep(10000);
	end(pid, 6);
	return tally->rounds - before;
}

static long stress_threads(void)
{
	static const struct work work = { .pages = 1000, .threads = 1000, .pause_us = 500000 };
	pid_t pid = worker_start(&work);

	for (int i = 0; i < 2000 && tally->started < 1000; i++)
		usleep(10000);
	while (going_on(1))
		usleep(10000);
	workers_go_on(1000);
	worker_kill(pid);
	return tally->started;
}

static long stress_kill(void)
{
	static const struct work work = { .pages = 24 };
	pid_t pid[12];
	long times = 0;

	start(pid, 12, &work);
	while (going_on(times)) {
		unsigned long i = any(12);

		worker_kill(pid[i]);
		pid[i] = worker_start(&work);
		usleep(any(3000));
		times++;
	}
	end(pid, 12);
	return times;
}

/* Each child looks at what it was given, and has children of its own, as long as it may. */
static void multiply(volatile unsigned char *region, unsigned int generation)
{
	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			_exit(0);
		if (pid == 0) {
			generation++;
			for (unsigned int i = 0; i < 8; i++)
				if (region[i * 4096] != 100 + i)
					tally->wrong++;
			region[generation % 8 * 4096 + 1]++;
			__atomic_add_fetch(&tally->rounds, 1, __ATOMIC_RELAXED);
		} else if (any(3) == 0) {
			_exit(0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static long stress_forks(void)
{
	long before = tally->rounds;

	if (!group_make("max") || !victim_set(GROUP "/pids.max", "60"))
		return -1;
	while (going_on(tally->rounds - before)) {
		pid_t pid = fork();

		if (pid == 0) {
			char *region;

			group_enter();
			region = victim_region(8, NULL);
			for (int i = 0; i < 8; i++)
				region[i * 4096] = (char)(100 + i);
			multiply((volatile unsigned char *)region, 0);
		}
		usleep(400000);
		victim_set(GROUP "/cgroup.kill", "1");
		waitpid(pid, NULL, 0);
		for (int i = 0; i < 500 && field(GROUP "/cgroup.events", "populated"); i++)
			usleep(10000);
	}
	victim_set(GROUP "/pids.max", "max");
	return tally->rounds - before;
}

/*
 * To s2idle and back, as far as that all tasks are frozen, for a second: devices are left alone. The root file system comes by virtiofs,
 * which refuses to sleep.
 */
static long stress_suspend(void)
{
	static const struct work work = { .pages = 40, .pause_us = 1000 };
	long times = 0;
	pid_t pid[3];

	if (!victim_set("/sys/power/pm_test", "freezer") || !victim_set("/sys/module/suspend/parameters/pm_test_delay", "1"))
		return -1;
	start(pid, 3, &work);
	for (; going_on(times); times++) {
		if (!victim_set("/sys/power/state", "freeze"))
			tally->wrong++;
		workers_go_on(20);
	}
	end(pid, 3);
	victim_set("/sys/power/pm_test", "none");
	return times;
}

static long stress_time(void)
{
	static const struct work work = { .pages = 40, .pause_us = 1000 };
	struct timespec real, boot, t;
	pid_t pid[3];
	long times = 0;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	start(pid, 3, &work);
	for (; going_on(times); times++) {
		t = real;
		t.tv_sec += (long)any(200000000) - 100000000;
		clock_settime(CLOCK_REALTIME, &t);
		usleep(any(200000));
	}
	clock_gettime(CLOCK_BOOTTIME, &t);
	real.tv_sec += t.tv_sec - boot.tv_sec;
	clock_settime(CLOCK_REALTIME, &real);
	end(pid, 3);
	return times;
}

/* Several at once, in processes of their own. */
static long stress_all(void)
{
	static long (*const ways[])(void) = { stress_swap, stress_oom, stress_hotplug, stress_kill, stress_time };
	pid_t pid[sizeof(ways) / sizeof(ways[0])];
	long before = tally->rounds;

	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			ways[i]();
			_exit(0);
		}
	}
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		waitpid(pid[i], NULL, 0);
	return tally->rounds - before;
}

/* The module comes and goes while others try to use it. */
static long stress_reload(void)
{
	const char *path = getenv("STRESS_MODULE");
	static const struct work work = { .pages = 12 };
	long times = 0, refused = 0;
	pid_t pid[4] = { 0 };

	if (!path)
		return -1;
	while (going_on(times)) {
		int fd;

		for (int i = 0; i < 4; i++) {
			if (pid[i] > 0 && any(2))
				worker_kill(pid[i]);
			else if (pid[i] > 0 && waitpid(pid[i], NULL, WNOHANG) != pid[i])
				continue;
			pid[i] = worker_start(&work);
		}
		usleep(any(30000));
		if (any(2))
			end(pid, 4);
		if (syscall(SYS_delete_module, "cryptmem", O_NONBLOCK)) {
			refused++;
			continue;
		}
		end(pid, 4);
		memset(pid, 0, sizeof(pid));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			exit(2);
		close(fd);
		times++;
	}
	end(pid, 4);
	tap_note("unloaded and loaded %ld times, refused %ld times", times, refused);
	return times;
}

static const struct {
	const char *name, *unit, *lacks;
	long (*run)(void);
	bool without_bystander;
} ways[] = {
	{ "swap", "pages came back", "a disk for swap space", stress_swap, false },
	{ "oom", "owners killed", "memory cgroups", stress_oom, false },
	{ "hotplug", "CPUs taken away", "a second CPU", stress_hotplug, false },
	{ "migration", "pages, each on another CPU", "", stress_migration, false },
	{ "threads", "threads at work", "", stress_threads, false },
	{ "kill", "owners killed", "", stress_kill, false },
	{ "forks", "children", "a pids cgroup", stress_forks, false },
	{ "time", "jumps", "", stress_time, false },
	{ "suspend", "suspends", "a kernel with pm_test, as the generic ones are", stress_suspend, false },
	{ "all", "pages while all of that goes on", "", stress_all, false },
	{ "reload", "unloads", "STRESS_MODULE", stress_reload, true },
};

/* Nothing but the bystander's is left. The last of what died goes a moment later. */
static bool left_clean(long domains)
{
	for (int i = 0; i < 1000; i++) {
		if (module_total("domains") <= domains)
			return true;
		usleep(10000);
	}
	return false;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 3;
	char text[160];

	setvbuf(stdout, NULL, _IOLBF, 0);
	victim_setup();
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		bool wanted = argc < 3, clean;
		struct timespec t;
		long done;

		for (int a = 2; a < argc; a++)
			wanted |= strcmp(argv[a], ways[i].name) == 0;
		if (!wanted)
			continue;
		memset((void *)tally, 0, sizeof(*tally));
		if (!ways[i].without_bystander)
			bystander_start();
		clock_gettime(CLOCK_BOOTTIME, &t);
		until = t.tv_sec + seconds;
		done = ways[i].run();
		clean = left_clean(ways[i].without_bystander ? 0 : 1);
		strcpy(text, "ok: 0 wrong");
		if (!ways[i].without_bystander)
			bystander_end(text, sizeof(text));
		if (done < 0)
			ok(true, "%s # skip it needs %s", ways[i].name, ways[i].lacks);
		else
			ok(done && clean && !tally->wrong && strstr(text, " 0 wrong"),
			   "%s: %ld %s; %ld pages checked, %ld wrong; elsewhere %s%s", ways[i].name, done, ways[i].unit, tally->rounds,
			   tally->wrong, text, clean ? "" : "; domains are left");
	}
	return tap_done();
}
