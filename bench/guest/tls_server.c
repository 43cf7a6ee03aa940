// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls_server SOCKET CERTIFICATE KEY: an OpenSSL server of TLS 1.3 with the library's defaults, one connection after the other: shakes
 * hands, says a word, closes. Touches SOCKET.ready when it listens. What a server like nginx does with its key, and no more.
 */
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char ready[128];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 16)) {
		perror(path);
		return -1;
	}
	snprintf(ready, sizeof(ready), "%s.ready", path);
	close(open(ready, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	return fd;
}

static void serve(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) != 1 || SSL_write(ssl, "hello", 5) != 5)
		ERR_print_errors_fp(stderr);
	SSL_free(ssl);
	close(fd);
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: tls_server SOCKET CERTIFICATE KEY\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (SSL_CTX_use_certificate_file(ctx, argv[2], SSL_FILETYPE_PEM) != 1 || SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		return 2;
	}
	fd = listen_at(argv[1]);
	if (fd < 0)
		return 2;
	for (;;)
		serve(ctx, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
}
