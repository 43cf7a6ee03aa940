// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls_server SOCKET CERTIFICATE KEY [key]: an OpenSSL server of TLS 1.3 with the library's defaults, one connection after the other: shakes
 * hands, says a word, closes. Touches SOCKET.ready when it listens. What a server like nginx does with its key, and no more.
 * With `key` what OpenSSL allocates to keep the private key is from salloc(), and all else from malloc(): so is what it needs to sign and frees again.
 */
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <salloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* In front of each block, as OpenSSL does not say what kind it frees. */
struct head {
	size_t size;
	bool protected;
} __attribute__((aligned(16)));

static bool protecting;

static void *have(size_t size, const char *file, int line)
{
	struct head *head = protecting ? salloc(sizeof(*head) + size) : malloc(sizeof(*head) + size);

	(void)file, (void)line;
	if (!head)
		return NULL;
	*head = (struct head){ size, protecting };
	return head + 1;
}

static void give_back(void *ptr, const char *file, int line)
{
	struct head *head = (struct head *)ptr - 1;

	(void)file, (void)line;
	if (ptr && head->protected)
		sfree(head);
	else if (ptr)
		free(head);
}

static void *change(void *ptr, size_t size, const char *file, int line)
{
	void *new = have(size, file, line);

	if (ptr && new) {
		struct head *head = (struct head *)ptr - 1;

		memcpy(new, ptr, head->size < size ? head->size : size);
		give_back(ptr, file, line);
	}
	return new;
}

/* What OpenSSL derives from a key when it first signs, and keeps, is worth as much as the key. */
static bool sign_once(SSL_CTX *ctx)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	bool good = EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, SSL_CTX_get0_privatekey(ctx)) == 1 &&
		    EVP_DigestSign(md, signature, &len, (const unsigned char *)"x", 1) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

static bool load(SSL_CTX *ctx, const char *certificate, const char *key, bool protected)
{
	bool good = SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) == 1;

	protecting = protected;
	good = good && SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 && sign_once(ctx);
	protecting = false;
	return good;
}

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
	bool protected = argc == 5 && strcmp(argv[4], "key") == 0;
	SSL_CTX *ctx;
	int fd;

	if (argc != 4 && !protected) {
		fprintf(stderr, "usage: tls_server SOCKET CERTIFICATE KEY [key]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (protected && CRYPTO_set_mem_functions(have, change, give_back) != 1)
		return 2;
	ctx = SSL_CTX_new(TLS_server_method());
	if (!load(ctx, argv[2], argv[3], protected)) {
		ERR_print_errors_fp(stderr);
		return 2;
	}
	fd = listen_at(argv[1]);
	if (fd < 0)
		return 2;
	for (;;)
		serve(ctx, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
}
