/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backend_module: what a backend of tests that stands for the module says of itself. To be included once, after lib/backend.h. */
#ifndef BACKEND_MODULE_H
#define BACKEND_MODULE_H

#include <salloc.h>

int sl_backend_open_stack(void)
{
	return sl_backend_open();
}

unsigned int sl_backend_level(void)
{
	return SALLOC_PROTECTION_KERNEL;
}

bool sl_backend_tells(void)
{
	return true;
}

#endif
