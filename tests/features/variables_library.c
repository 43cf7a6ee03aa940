// SPDX-License-Identifier: GPL-2.0-only
#include "variables.h"

KEEP volatile unsigned int variables_set[KEEPER_WORDS] = { 7 };
KEEP static volatile unsigned int unset[KEEPER_WORDS];

struct variables_library variables_library(void)
{
	return (struct variables_library){ variables_set, unset };
}
