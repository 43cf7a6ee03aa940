// SPDX-License-Identifier: GPL-2.0-only
// PID 1 of the guest, second half: loads the module, runs the command, and tells the host everything over one
// virtio-serial port, so that output, kernel log and exit status arrive in order.
//
// To the host go frames: a type, the payload's length (32 bits, little endian), the payload.
//	o, e	what the command wrote to stdout, stderr
//	k	a record of /dev/kmsg
//	b	the boot is over, the module and the command are next
//	t	/proc/sys/kernel/tainted, after the command
//	f	failed before the command could run: why
//	x	the command's exit status, always last. Nothing but this frame is success.
// From the host comes what the command reads on its stdin (only with --dump-ram; else it is /dev/null).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPEC "/run/cryptmem-vm/"
#define CHUNK 16384

static int port;

static void send_frame(char type, const void *payload, uint32_t length)
{
	static char frame[5 + CHUNK];
	size_t done = 0, size = 5 + length;

	frame[0] = type;
	memcpy(frame + 1, &length, 4);
	memcpy(frame + 5, payload, length);
	while (done < size) {
		ssize_t n = write(port, frame + done, size - done);

		if (n > 0)
			done += n;
		else if (errno != EINTR && errno != EAGAIN)
			return;	// the host has gone, and with it all who could care
	}
}

static void __attribute__((noreturn)) finish(void)
{
	for (;;)
		pause();	// the host ends the machine; PID 1 must not
}

static void __attribute__((noreturn)) fail(const char *what)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));

	send_frame('f', text, n);
	finish();
}

// The whole of a file of the spec, with a NUL after it; NULL if there is none.
static char *spec(const char *name, size_t *size)
{
	char path[256], *text = NULL;
	size_t room = 0, length = 0;
	FILE *f;

	snprintf(path, sizeof(path), SPEC "%s", name);
	f = fopen(path, "r");
	if (!f)
		return NULL;
	do {
		text = realloc(text, room += CHUNK);
		length += fread(text + length, 1, room - length, f);
	} while (length == room);
	fclose(f);
	text[length] = 0;
	if (size)
		*size = length;
	return text;
}

static void load_module(void)
{
	char *path = spec("module", NULL), *args = spec("module-args", NULL);
	int fd;

	if (!path)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, args ? args : "", 0))
		fail(path);
	close(fd);
}

// The arguments lie one after the other in the file, each ended by a NUL.
static char **arguments(void)
{
	size_t size = 0, n = 0;
	char *text = spec("argv", &size), **argv = calloc(size + 1, sizeof(*argv));

	for (char *p = text; argv && p < text + size; p += strlen(p) + 1)
		argv[n++] = p;
	if (!n)
		fail("the command");
	return argv;
}

static void become_command(void)
{
	char *cwd = spec("cwd", NULL), **argv = arguments();
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("SHELL", "/bin/sh", 1);
	setenv("TERM", "dumb", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("CRYPTMEM_VM", "1", 1);
	if (chdir(cwd)) {
		fprintf(stderr, "run: %s: %s\n", cwd, strerror(errno));
		_exit(126);
	}
	execvp(argv[0], argv);
	fprintf(stderr, "run: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

struct command {
	pid_t pid;
	int in;		// -1: it has /dev/null
	int out, err;
};

static struct command start(void)
{
	int in[2] = { -1, -1 }, out[2], err[2];
	struct command c;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("pipe");
	if (access(SPEC "stdin", F_OK) == 0 && pipe2(in, O_CLOEXEC))
		fail("pipe");
	c.pid = fork();
	if (c.pid < 0)
		fail("fork");
	if (c.pid == 0) {
		dup2(in[0] >= 0 ? in[0] : open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		become_command();
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	c.in = in[1];
	c.out = out[0];
	c.err = err[0];
	return c;
}

// Passes on what is there; false at the end of it.
static int relay(char type, int fd)
{
	char buf[CHUNK];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		send_frame(type, buf, n);
	return n > 0;
}

static void feed(int in)
{
	char buf[CHUNK];
	ssize_t n = read(port, buf, sizeof(buf));

	if (n > 0 && write(in, buf, n) < 0)
		return;	// the command has closed its stdin: its business
}

// As PID 1 it inherits every orphan. True, with the status as a shell would give it, when the command itself has ended.
static int reap(pid_t command, int *status)
{
	int raw, ended = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &raw, WNOHANG)) > 0) {
		if (pid != command)
			continue;
		*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
		ended = 1;
	}
	return ended;
}

static int attend(struct command *c, int children)
{
	struct pollfd fds[] = {
		{ children, POLLIN, 0 }, { c->out, POLLIN, 0 }, { c->err, POLLIN, 0 },
		{ c->in >= 0 ? port : -1, POLLIN, 0 },
	};
	int status = 0;

	for (;;) {
		struct signalfd_siginfo info;

		poll(fds, 4, -1);
		if (fds[1].revents && !relay('o', c->out))
			fds[1].fd = -1;
		if (fds[2].revents && !relay('e', c->err))
			fds[2].fd = -1;
		if (fds[3].revents & POLLIN)
			feed(c->in);
		if (fds[0].revents && read(children, &info, sizeof(info)) > 0 && reap(c->pid, &status))
			break;
	}
	// What it wrote last; but do not wait for those it left behind that hold its stdout.
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	fcntl(c->err, F_SETFL, O_NONBLOCK);
	while (relay('o', c->out))
		;
	while (relay('e', c->err))
		;
	return status;
}

static void send_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];
	ssize_t n;

	// EPIPE: records were overwritten before they could be read; the next read goes on with the oldest there is
	while ((n = read(fd, record, sizeof(record))) > 0 || (n < 0 && errno == EPIPE))
		if (n > 0)
			send_frame('k', record, n);
}

static void send_taint(void)
{
	char text[32];
	int fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text));

	if (n > 0)
		send_frame('t', text, n);
}

static void mark_log(const char *text)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (write(fd, text, strlen(text)) < 0)
		fail("/dev/kmsg");
	close(fd);
}

int main(void)
{
	struct command c;
	sigset_t chld;
	char text[16], *level;
	int children, status;

	port = open("/dev/vport0p1", O_RDWR | O_CLOEXEC);
	if (port < 0) {
		perror("guest agent: /dev/vport0p1");
		finish();
	}
	signal(SIGPIPE, SIG_IGN);
	// `quiet` was for the boot. From here on warnings go to the console, which is all that is left after a panic.
	level = spec("console-level", NULL);
	klogctl(8, NULL, level ? atoi(level) : 5);
	send_frame('b', "", 0);
	load_module();
	mark_log("cryptmem-vm: command starts\n");

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	children = signalfd(-1, &chld, SFD_CLOEXEC);
	c = start();
	status = attend(&c, children);

	send_log();
	send_taint();
	send_frame('x', text, snprintf(text, sizeof(text), "%d", status));
	finish();
}
