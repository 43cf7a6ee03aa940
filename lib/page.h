/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* page: the grain of everything here. The module must use the same. */
#ifndef SL_PAGE_H
#define SL_PAGE_H

#include <stddef.h>

#define PAGE_BYTES	((size_t)4096)

#endif
