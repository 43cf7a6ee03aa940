// SPDX-License-Identifier: GPL-2.0-only
/*
 * redis_load SOCKET SET|GET KEYS PID MS RATE COMPETITOR: asks the redis-server PID for one of KEYS keys at random at a time, values of 100 bytes,
 * and waits for the answer; see load_run(). SET first: it stores all of them before it starts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/load.h"

#define VALUE	100

struct client {
	int fd;
	bool set;
	unsigned int keys;
	uint32_t random;
};

static int ask(struct client *client, bool set, unsigned int key)
{
	char request[256], answer[256];
	int len = sprintf(request, "*%d\r\n$3\r\n%s\r\n$10\r\nk%09u\r\n", set ? 3 : 2, set ? "SET" : "GET", key);
	ssize_t got = 0, n;

	if (set)
		len += sprintf(request + len, "$%d\r\n%0*d\r\n", VALUE, VALUE, 7);
	if (write(client->fd, request, (size_t)len) != len)
		return -1;
	/* +OK, or $100 and the value */
	for (ssize_t want = set ? 5 : 6 + VALUE + 2; got < want; got += n) {
		n = read(client->fd, answer + got, sizeof(answer) - (size_t)got);
		if (n <= 0 || answer[0] == '-')
			return -1;
	}
	return 0;
}

static int once(void *arg)
{
	struct client *client = arg;

	client->random = client->random * 1664525 + 1013904223;
	return ask(client, client->set, (client->random >> 8) % client->keys);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct client client = { 0 };

	if (argc != 8) {
		fprintf(stderr, "usage: redis_load SOCKET SET|GET KEYS PID MS RATE COMPETITOR\n");
		return 2;
	}
	client.set = strcmp(argv[2], "SET") == 0;
	client.keys = (unsigned int)atoi(argv[3]);
	client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	if (connect(client.fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(argv[1]);
		return 2;
	}
	for (unsigned int i = 0; client.set && i < client.keys; i++)
		if (ask(&client, true, i))
			return 1;
	return load_run(argv + 4, once, &client, 1);
}
