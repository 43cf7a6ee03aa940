/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * selftest: what must be right before the module accepts a secret. The module
 * does not load when one of these fails.
 */
#ifndef _CM_SELFTEST_H
#define _CM_SELFTEST_H

#include <linux/types.h>

struct cm_key;

int cm_selftest_known_answer(const char *cipher, const char *driver);
int cm_selftest_page(struct cm_key *key, bool authenticated);
u64 cm_selftest_speed(struct cm_key *key);

#endif /* _CM_SELFTEST_H */
