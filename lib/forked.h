/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * forked: what becomes of regions in a child, where the kernel module does not
 * see to it.
 *
 *  - what is locked is a copy, as with all memory, but not locked;
 *  - what is secret is not there. A copy of it, made before, is moved into its
 *    place: as much memory again, until the parent goes on.
 *
 * With SALLOC_FALLBACK_WIPE both are zero. Where a child cannot be given what it
 * should have, the addresses stay, and to touch them is SIGSEGV: it is broken.
 * Children that are made without pthread_atfork()'s handlers (by clone()) are
 * without secret regions, and what is locked is not locked there.
 *
 * The heap's lock is held in the first three.
 */
#ifndef SL_FORKED_H
#define SL_FORKED_H

#include <stdbool.h>

void sl_forked_before(void);
void sl_forked_parent(void);
void sl_forked_child(void);

/* Of this process: it is a child that could not be given all. */
bool sl_forked_is_broken(void);
/* It is a child, or a child's, that has zeros where its parent has something. */
bool sl_forked_is_wiped(void);

#endif
