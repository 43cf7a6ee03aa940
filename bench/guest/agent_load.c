// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent_load SOCKET PUBLIC PID MS RATE COMPETITOR: asks the ssh-agent PID for signatures with the key whose public half is in the file PUBLIC;
 * see load_run(). It stays connected, and does not verify: that would cost as much as signing. The demo does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/load.h"

#define SIGN_REQUEST	13
#define SIGN_RESPONSE	14
#define RSA_SHA2_512	4
/* What a client signs to log in: a session's hash, names, the public key */
#define DATA_LEN	512

struct agent {
	int fd;
	size_t len;
	unsigned char request[4096];
};

static unsigned char *put32(unsigned char *at, size_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (unsigned char)(value >> shift);
	return at;
}

static size_t get32(const unsigned char *at)
{
	return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static size_t from_base64(const char *text, unsigned char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned int bits = 0, value = 0;
	size_t n = 0;

	for (const char *digit; *text && *text != '=' && (digit = strchr(digits, *text)); text++) {
		value = value << 6 | (unsigned int)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (unsigned char)(value >> bits);
		}
	}
	return n;
}

static bool prepare(struct agent *agent, const char *path)
{
	char type[32], base64[2048];
	unsigned char *at = agent->request + 4;
	FILE *file = fopen(path, "r");
	size_t len;

	if (!file || fscanf(file, "%31s %2047s", type, base64) != 2)
		return false;
	fclose(file);
	*at++ = SIGN_REQUEST;
	len = from_base64(base64, at + 4);
	at = put32(at, len) + len;
	at = put32(at, DATA_LEN);
	memset(at, 'x', DATA_LEN);
	at = put32(at + DATA_LEN, strcmp(type, "ssh-rsa") ? 0 : RSA_SHA2_512);
	agent->len = (size_t)(at - agent->request);
	put32(agent->request, agent->len - 4);
	return true;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(path);
		exit(2);
	}
	return fd;
}

static int sign(void *arg)
{
	struct agent *agent = arg;
	unsigned char answer[4096];
	size_t got = 0;

	if (write(agent->fd, agent->request, agent->len) != (ssize_t)agent->len)
		return -1;
	while (got < 4 || got < 4 + get32(answer)) {
		ssize_t n = read(agent->fd, answer + got, sizeof(answer) - got);

		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return answer[4] == SIGN_RESPONSE ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct agent agent = { 0 };

	if (argc != 7) {
		fprintf(stderr, "usage: agent_load SOCKET PUBLIC PID MS RATE COMPETITOR\n");
		return 2;
	}
	if (!prepare(&agent, argv[2])) {
		fprintf(stderr, "agent_load: no public key in %s\n", argv[2]);
		return 2;
	}
	agent.fd = dial(argv[1]);
	return load_run(argv + 3, sign, &agent, 1);
}
