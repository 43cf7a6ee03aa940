// SPDX-License-Identifier: GPL-2.0-only
/*
 * stress [SECONDS [NAME...]]: ill-treats the machine in many ways, for so long each (3), while owners of regions check every page that they
 * have written. Each way counts what it did; no owner may end but by what was done to it, and those that are left at the end must go on, with
 * all their pages as they left them; then nothing of the module's is left. As root, with debugfs; /dev/vda, where there is one, becomes swap
 * space. TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../attacks/bystander.h"
#include "../attacks/victim.h"
#include "../unit/tap.h"
#include "forks.h"
#include "way.h"

static pid_t start_in_group(const struct work *work)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		group_enter();
		worker_work(work);
	}
	if (pid < 0)
		tally_fail("fork(): %s", strerror(errno));
	return pid;
}

/* All goes out to the swap space, and comes back. */
static long stress_swap(void)
{
	static const struct work work = { .pages = 1024, .pause_us = 3000 };
	/* What is in the windows stays, and what is read from the disk brings its neighbours. */
	const long most = 2 * 1024 * 3 / 4;
	long before = victim_field("/proc/vmstat", "pswpin"), kills, out = 0;
	pid_t pid[2];

	if (access("/dev/vda", F_OK) || system("swapon -s | grep -q vda || { mkswap /dev/vda && swapon /dev/vda; } >/dev/null 2>&1"))
		return -1;
	if (!group_make("swap", "max"))
		return -1;
	kills = victim_field(group_file("memory.events"), "oom_kill");
	for (int i = 0; i < 2; i++)
		pid[i] = start_in_group(&work);
	way_begun(pid, 2, 0);
	while (way_going_on(victim_field("/proc/vmstat", "pswpin") - before) && workers_live(pid, 2)) {
		victim_set(group_file("memory.reclaim"), "16M");
		usleep(way_any(300000));
	}
	/* That was some here, some there. Now all at once, while nobody has it brought back; and then all of it back. */
	tally->rest = true;
	for (int i = 0; i < WAY_ENOUGH * 10 && out < most && workers_live(pid, 2); i++) {
		victim_set(group_file("memory.reclaim"), "16M");
		usleep(100000);
		out = way_number(group_file("memory.swap.current")) / 4096;
	}
	if (out < most)
		tally_fail("not more than %ld pages were out at once", out);
	tally->sweep = true;
	tally->rest = false;
	way_end(pid, 2);
	if (victim_field(group_file("memory.events"), "oom_kill") != kills)
		tally_fail("an owner was killed for its memory");
	tap_note("swap: %ld pages were out at once", out);
	return victim_field("/proc/vmstat", "pswpin") - before;
}

/* They take more than they may, and are killed. Those that are left get all that they want, and must have all their pages. */
static long stress_oom(void)
{
	static const struct work work = { .pages = 8192, .grows = true };
	long kills, before;
	pid_t pid[3];

	if (!group_make("oom", "12M"))
		return -1;
	victim_set(group_file("memory.swap.max"), "0");
	before = victim_field(group_file("memory.events"), "oom_kill");
	for (int i = 0; i < 3; i++)
		pid[i] = start_in_group(&work);
	while (way_going_on(victim_field(group_file("memory.events"), "oom_kill") - before)) {
		for (int i = 0; i < 3; i++)
			if (worker_ended(pid[i], BY_SIGKILL))
				pid[i] = start_in_group(&work);
		usleep(5000);
	}
	if (!victim_set(group_file("memory.max"), "max"))
		tally_fail("the limit stays");
	tally->sweep = true;
	/* One may still be dying, in another's place. */
	while (!workers_reach(&tally->swept, 3, pid, 3)) {
		bool replaced = false;

		for (int i = 0; i < 3; i++)
			if (worker_ended(pid[i], BY_SIGKILL)) {
				pid[i] = start_in_group(&work);
				replaced = true;
			}
		if (!replaced || tally->died) {
			tally_fail("%ld of 3 owners went on to the end", tally->swept);
			break;
		}
	}
	for (int i = 0; i < 3; i++)
		worker_kill(pid[i], BY_SIGKILL);
	kills = victim_field(group_file("memory.events"), "oom_kill") - before;
	if (tally->killed > kills)
		tally_fail("%ld owners were killed, %ld of them for their memory", tally->killed, kills);
	return kills;
}

/* A slow machine may give up waiting for a CPU to come. */
static bool bring_back(const char *cpu)
{
	for (int i = 0; i < 10; i++) {
		if (victim_set(cpu, "1"))
			return true;
		sleep(1);
	}
	return false;
}

static long stress_hotplug(void)
{
	static const struct work work = { .pages = 40, .migrates = true };
	long cpus = sysconf(_SC_NPROCESSORS_CONF), times = 0;
	char path[64];
	pid_t pid[4];

	if (cpus < 2)
		return -1;
	way_start(pid, 4, &work);
	while (way_going_on(times) && workers_live(pid, 4)) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%ld/online", 1 + (long)way_any((unsigned long)cpus - 1));
		times += victim_set(path, "0");
		usleep(way_any(100000));
		if (!bring_back(path)) {
			tally_fail("%s does not come back", path);
			break;
		}
	}
	way_end(pid, 4);
	return times;
}

static long stress_migration(void)
{
	static const struct work work = { .pages = 40, .migrates = true };
	pid_t pid[6];

	if (sysconf(_SC_NPROCESSORS_CONF) < 2)
		return -1;
	way_start(pid, 6, &work);
	while (way_going_on(tally->moved) && workers_live(pid, 6))
		usleep(10000);
	way_end(pid, 6);
	if (tally->stayed)
		tally_fail("%ld times one could not go to another CPU", tally->stayed);
	return tally->moved;
}

/* A thousand; as few as there is time for where that is not ten seconds. */
static long stress_threads(void)
{
	const unsigned int threads = way_seconds() < 10 ? (unsigned int)way_seconds() * 100 : 1000;
	const struct work work = { .pages = threads, .threads = threads, .pause_us = 500000 };
	pid_t pid = worker_start(&work);
	long started;

	if (!workers_reach(&tally->started, threads, &pid, 1))
		tally_fail("%ld of %u threads began", tally->started, threads);
	started = tally->started;
	way_from_now();
	while (way_going_on(tally->rounds) && workers_live(&pid, 1))
		usleep(10000);
	tally->sweep = true;
	if (!workers_reach(&tally->swept, threads, &pid, 1))
		tally_fail("%ld of %u threads went on to the end", tally->swept, threads);
	worker_kill(pid, NOT_AT_ALL);
	return started;
}

static long stress_kill(void)
{
	static const struct work work = { .pages = 24 };
	pid_t pid[12];
	long times = 0;

	way_start(pid, 12, &work);
	while (way_going_on(times)) {
		unsigned long i = way_any(12);

		worker_kill(pid[i], NOT_AT_ALL);
		pid[i] = worker_start(&work);
		usleep(way_any(3000));
		times++;
	}
	way_end(pid, 12);
	return times;
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
	way_start(pid, 3, &work);
	for (; way_going_on(times) && workers_live(pid, 3); times++) {
		long before = tally->rounds;

		if (!victim_set("/sys/power/state", "freeze"))
			tally_fail("not suspended: %s", strerror(errno));
		if (!workers_reach(&tally->rounds, before + 20, pid, 3))
			tally_fail("they do not go on after suspend %ld", times + 1);
	}
	way_end(pid, 3);
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
	way_start(pid, 3, &work);
	for (; way_going_on(times) && workers_live(pid, 3); times++) {
		t = real;
		t.tv_sec += (long)way_any(200000000) - 100000000;
		if (clock_settime(CLOCK_REALTIME, &t)) {
			tally_fail("clock_settime(): %s", strerror(errno));
			break;
		}
		usleep(way_any(200000));
	}
	clock_gettime(CLOCK_BOOTTIME, &t);
	real.tv_sec += t.tv_sec - boot.tv_sec;
	clock_settime(CLOCK_REALTIME, &real);
	way_end(pid, 3);
	return times;
}

static long stress_all(void);

static void kill_users(pid_t *pid)
{
	for (int i = 0; i < 4; i++) {
		worker_kill(pid[i], WITHOUT_MODULE);
		pid[i] = 0;
	}
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
	while (way_going_on(times)) {
		int fd;

		for (int i = 0; i < 4; i++) {
			if (pid[i] > 0 && way_any(2))
				worker_kill(pid[i], WITHOUT_MODULE);
			else if (pid[i] > 0 && !worker_ended(pid[i], WITHOUT_MODULE))
				continue;
			pid[i] = worker_start(&work);
		}
		usleep(way_any(30000));
		if (way_any(2))
			kill_users(pid);
		if (syscall(SYS_delete_module, "cryptmem", O_NONBLOCK)) {
			refused++;
			continue;
		}
		kill_users(pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) {
			tally_fail("the module cannot be loaded: %s", strerror(errno));
			return times;
		}
		close(fd);
		times++;
	}
	kill_users(pid);
	tap_note("unloaded and loaded %ld times, refused %ld times; %ld users found no module", times, refused, tally->refused);
	/* Now that it stays all must be well. */
	way_start(pid, 4, &work);
	way_end(pid, 4);
	return times;
}

static const struct {
	const char *name, *unit, *lacks;
	long (*run)(void);
	bool in_all, without_bystander;
} ways[] = {
	{ "swap", "pages came back", "a disk for swap space, and memory cgroups", stress_swap, true, false },
	{ "oom", "owners killed", "memory cgroups", stress_oom, true, false },
	{ "hotplug", "CPUs taken away", "a second CPU", stress_hotplug, true, false },
	{ "migration", "times one went to another CPU", "a second CPU", stress_migration, false, false },
	{ "threads", "threads at work", "", stress_threads, false, false },
	{ "kill", "owners killed", "", stress_kill, true, false },
	{ "forks", "children", "a pids cgroup", stress_forks, false, false },
	{ "time", "jumps", "", stress_time, true, false },
	{ "suspend", "suspends", "a kernel with pm_test, as the generic ones are", stress_suspend, false, false },
	{ "all", "pages while all of that goes on", "", stress_all, false, false },
	{ "reload", "unloads", "STRESS_MODULE", stress_reload, false, true },
};

#define WAYS	(sizeof(ways) / sizeof(ways[0]))

/* Nobody has died or seen anything wrong; and if the way could be gone somebody has looked. */
static bool unhurt(long done)
{
	return !tally->wrong && !tally->died && !tally->failed && (done < 0 || (done > 0 && tally->rounds > 0));
}

/* Several at once, in processes and with tallies of their own. */
static long stress_all(void)
{
	struct tally *whole = tally, *parts;
	pid_t pid[WAYS] = { 0 };
	int status;

	parts = mmap(NULL, WAYS * sizeof(*parts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (parts == MAP_FAILED)
		exit(2);
	for (unsigned int i = 0; i < WAYS; i++) {
		if (!ways[i].in_all)
			continue;
		pid[i] = fork();
		if (pid[i] == 0) {
			long done;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			tally = &parts[i];
			way_set_up(0, i);
			done = ways[i].run();
			if (done < 0)
				tap_note("all, without %s: it needs %s", ways[i].name, ways[i].lacks);
			else
				tap_note("all, %s: %ld %s; %ld pages checked", ways[i].name, done, ways[i].unit, tally->rounds);
			_exit(unhurt(done) ? 0 : 1);
		}
	}
	for (unsigned int i = 0; i < WAYS; i++) {
		if (!ways[i].in_all)
			continue;
		if (waitpid(pid[i], &status, 0) != pid[i] || status)
			tally_fail("all: %s failed", ways[i].name);
		whole->rounds += parts[i].rounds;
		whole->wrong += parts[i].wrong;
		whole->died += parts[i].died;
		whole->failed += parts[i].failed;
	}
	munmap(parts, WAYS * sizeof(*parts));
	return tally->rounds;
}

/* Nothing but the bystander's is left. The last of what died goes a moment later. */
static bool left_clean(long domains)
{
	for (int i = 0; i < WAY_ENOUGH * 100; i++) {
		long now = module_total("domains");

		if (now == domains)
			return true;
		/* It cannot be counted, or the bystander's has gone. */
		if (now < domains)
			break;
		usleep(10000);
	}
	return false;
}

int main(int argc, char **argv)
{
	char text[160];

	if (argc > 1)
		way_set_up(atoi(argv[1]), 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	victim_setup();
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		exit(2);
	for (unsigned int i = 0; i < WAYS; i++) {
		bool wanted = argc < 3, clean, beside = true;
		long done;

		for (int a = 2; a < argc; a++)
			wanted |= strcmp(argv[a], ways[i].name) == 0;
		if (!wanted)
			continue;
		memset((void *)tally, 0, sizeof(*tally));
		if (!ways[i].without_bystander)
			bystander_start();
		way_from_now();
		done = ways[i].run();
		clean = left_clean(ways[i].without_bystander ? 0 : 1);
		strcpy(text, "nobody");
		if (!ways[i].without_bystander) {
			beside = bystander_goes_on();
			/* Not what it says of time: nobody promises that in a machine that is treated like this. */
			bystander_end(text, sizeof(text));
		}
		/* A way that cannot be gone may have done harm as it tried. */
		if (done < 0 && unhurt(done) && clean && beside)
			ok(true, "%s # skip it needs %s", ways[i].name, ways[i].lacks);
		else
			ok(unhurt(done) && clean && beside,
			   "%s: %ld %s; %ld pages checked, %ld wrong, %ld owners died, %ld other mishaps; elsewhere %s%s%s", ways[i].name, done,
			   ways[i].unit, tally->rounds, tally->wrong, tally->died, tally->failed, text, beside ? "" : ": it does not go on",
			   clean ? "" : "; domains are left, or cannot be counted");
	}
	return tap_done();
}
