/* SPDX-License-Identifier: GPL-2.0-only */
/* The library that variables.c is linked with, and another one of the same make that it loads. */
#ifndef VARIABLES_H
#define VARIABLES_H

#include <secure.h>

#include "keeper.h"

struct variables_library {
	volatile unsigned int *set, *unset;
};

struct variables_library variables_library(void);

extern KEEP volatile unsigned int variables_set[KEEPER_WORDS];

#endif
