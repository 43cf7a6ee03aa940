// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls_load SOCKET PID MS RATE COMPETITOR: connects to the tls_server PID, shakes hands, reads its word and closes; see load_run(). Whole
 * handshakes: no session is taken up again. The server's certificate is not looked at, but its signature is, as OpenSSL always does.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/load.h"

struct client {
	SSL_CTX *ctx;
	const char *path;
};

static int shake_hands(void *arg)
{
	struct client *client = arg;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = -1;
	SSL *ssl = SSL_new(client->ctx);
	char word[5];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", client->path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 &&
	    SSL_read(ssl, word, sizeof(word)) == (int)sizeof(word) && memcmp(word, "hello", 5) == 0)
		ret = 0;
	else
		ERR_print_errors_fp(stderr);
	SSL_free(ssl);
	close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	struct client client = { SSL_CTX_new(TLS_client_method()), argv[1] };

	if (argc != 6) {
		fprintf(stderr, "usage: tls_load SOCKET PID MS RATE COMPETITOR\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	return load_run(argv + 2, shake_hands, &client, 1);
}
