/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* preload: what the two halves of libsalloc-preload.so have in common. */
#ifndef SL_PRELOAD_H
#define SL_PRELOAD_H

#include <stdnoreturn.h>

/* Says why there is no protected memory, @err being a negative errno, and aborts. */
noreturn void sl_preload_die(int err);

#endif
