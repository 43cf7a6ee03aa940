// SPDX-License-Identifier: GPL-2.0-only
/*
 * P2 for the stack of an unmodified program with libsalloc-preload.so: what main() and its callees have in their frames is not to be read,
 * and the program runs on it as on any other: children, threads, signals, a debugger that comes and goes. The program is this one again.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attacks/victim.h"
#include "../unit/tap.h"

#define PRELOAD	LIB_OUT "/libsalloc-preload.so"
#define STORM	100

/* The program. Descriptor 3: a byte when it is ready. It ends when its standard input does. */

static volatile sig_atomic_t handled;

static void handler(int signal)
{
	char local[512];

	memset(local, signal, sizeof(local));
	__asm__ volatile("" : : "r"(local) : "memory");
	handled++;
}

static bool intact(const char *frame)
{
	char secret[SECRET_LEN];
	bool same;

	victim_make_secret(secret);
	same = !memcmp(frame, secret, SECRET_LEN);
	explicit_bzero(secret, sizeof(secret));
	return same;
}

static void *thread(void *frame)
{
	return intact(frame) ? frame : NULL;
}

/* What programs do from a frame with something in it. */
static int live(const char *frame)
{
	pthread_t other;
	void *result;
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(intact(frame) ? 0 : 1);
	if (waitpid(child, &status, 0) != child || status)
		return 10;
	child = vfork();
	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	if (waitpid(child, &status, 0) != child || status)
		return 11;
	if (system("exit 7") != 7 << 8)
		return 12;
	if (pthread_create(&other, NULL, thread, (void *)frame) || pthread_join(other, &result) || result != frame)
		return 13;
	return raise(SIGUSR1) || handled != 1 || !intact(frame) ? 14 : 0;
}

static int program(bool busy)
{
	char frame[SECRET_LEN], byte = 0;
	int failed;

	signal(SIGUSR1, handler);
	victim_make_secret(frame);
	__asm__ volatile("" : : "r"(frame) : "memory");
	failed = live(frame);
	if (failed || write(3, &byte, 1) != 1)
		return failed;
	if (busy) {
		fcntl(0, F_SETFL, O_NONBLOCK);
		while (read(0, &byte, 1) < 0)
			if (!intact(frame))
				return 20;
	} else if (read(0, &byte, 1) > 0) {
		return 21;
	}
	return intact(frame) ? 0 : 22;
}

/* The test. */

static int input;

static pid_t start(const char *how, const char *stack)
{
	int in[2], out[2];
	char byte;
	pid_t pid;

	if (pipe(in) || pipe(out))
		exit(2);
	fcntl(in[1], F_SETFD, FD_CLOEXEC);
	fcntl(out[0], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 3);
		if (stack) {
			setenv("LD_PRELOAD", PRELOAD, 1);
			setenv("SALLOC_STACK", stack, 1);
		}
		execl("/proc/self/exe", "p2_stack", how, NULL);
		_exit(99);
	}
	close(in[0]);
	close(out[1]);
	input = in[1];
	if (read(out[0], &byte, 1) != 1)
		printf("# the program ended before it was ready\n");
	close(out[0]);
	return pid;
}

static int ended(pid_t pid)
{
	int status;

	close(input);
	return waitpid(pid, &status, __WALL) == pid ? status : -1;
}

/* All of its memory that can be read. */
static bool found_in(pid_t pid)
{
	char path[64], line[512], secret[SECRET_LEN], *buffer = malloc(1 << 20);
	unsigned long from, to;
	bool found = false;
	FILE *maps;
	int mem;

	victim_make_secret(secret);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2)
			continue;
		for (ssize_t got; from < to && (got = pread(mem, buffer, 1 << 20, (off_t)from)) > 0; from += got)
			found |= memmem(buffer, got, secret, SECRET_LEN) != NULL;
	}
	if (maps)
		fclose(maps);
	close(mem);
	explicit_bzero(secret, sizeof(secret));
	free(buffer);
	return found;
}

static void looked_at(const char *stack, bool leaks, const char *what)
{
	pid_t pid = start("idle", stack);

	ok(found_in(pid) == leaks, "%s: what is in its frames %s", what, leaks ? "is found" : "is not found");
	ok(ended(pid) == 0, "%s: frames survive fork, vfork, exec, threads and signals", what);
}

static void storm(void)
{
	pid_t pid = start("busy", "protected");
	unsigned int seed = 1;
	int status, lost = 0;

	for (int i = 0; i < STORM && !lost; i++) {
		kill(pid, SIGUSR1);
		usleep(rand_r(&seed) % 2000);
		lost += ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid ||
			!WIFSTOPPED(status) || ptrace(PTRACE_CONT, pid, 0, 0);
		kill(pid, SIGUSR1);
		usleep(rand_r(&seed) % 2000);
		lost += ptrace(PTRACE_INTERRUPT, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status) ||
			ptrace(PTRACE_DETACH, pid, 0, WSTOPSIG(status) == SIGUSR1 ? SIGUSR1 : 0);
	}
	ok(!lost, "a debugger comes and goes %d times while it works and gets signals", STORM);
	status = ended(pid);
	ok(status == 0, "it has lost nothing (status %#x)", status);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return program(!strcmp(argv[1], "busy"));
	victim_setup();
	looked_at(NULL, true, "control: an ordinary stack");
	looked_at("ordinary", true, "control: SALLOC_STACK=ordinary");
	looked_at("protected", false, "a protected stack");
	storm();
	return tap_done();
}
