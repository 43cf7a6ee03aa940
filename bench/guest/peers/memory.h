/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways in which a program may keep a secret. One secret in a process, opened around each use.
 */
#ifndef PEERS_MEMORY_H
#define PEERS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The secret: while it is open, or before the first peer_close(). */
extern unsigned char *peer_secret;

/*
 * @method: malloc, memfd_secret, sodium, shield or salloc. 0; -1 with errno set; 1: no such method.
 *	sodium	sodium_malloc(), readable only while it is open: two mprotect() for each use
 *	shield	as OpenSSH keeps private keys: encrypted by AES-256-CTR with a key that is the SHA-512 of 16 KiB of random bytes, which
 *		are kept beside it, made anew each time it is closed
 */
int peer_have(const char *method, size_t len);
void peer_open(void);
void peer_close(void);

#endif
