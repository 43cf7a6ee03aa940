/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fallback: what this process may do with where the kernel module is absent.
 *
 * Said by the program, salloc_fallback(); by SALLOC_FALLBACK in the environment,
 * which takes the place of that; and SALLOC_REQUIRE there takes away from both.
 * Nothing, unless one of the former is there.
 */
#ifndef SL_FALLBACK_H
#define SL_FALLBACK_H

/* What of it this library can do at all, SALLOC_FALLBACK_*: whoever is linked with this says that. */
extern const unsigned int sl_fallback_possible;

/* SALLOC_FALLBACK_*. Aborts when the environment says something that is not known. */
unsigned int sl_fallback_allowed(void);
/*
 * What the program wants, @level being SALLOC_PROTECTION_* of what it has
 * already. -EINVAL: unknown flags; -EBUSY: it has what it does not want.
 */
int sl_fallback_set(unsigned int flags, unsigned int level);

#endif
