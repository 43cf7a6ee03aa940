/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fallback: memory that is protected by less than the module: by memfd_secret(2),
 * or locked and kept out of core files, as salloc_fallback(3) has it. Whoever
 * has asked for that: it looks the same.
 */
#ifndef TOOL_FALLBACK_H
#define TOOL_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

/**
 * struct fallback - what a process has of it
 * @pid: its number
 * @comm: its name, safe to print
 * @secret: bytes of secret memory
 * @locked: bytes of memory that is locked and not dumped
 */
struct fallback {
	int pid;
	char comm[64];
	uint64_t secret;
	uint64_t locked;
};

/* Adds up what /proc/PID/smaps says. -1: malformed. */
int fallback_parse(FILE *smaps, struct fallback *f);
/* Of one process; false: there is none, it has none, or may not be looked at. */
bool fallback_of(int pid, struct fallback *f);

/* What there could be, and who has it, for people and for programs. */
void fallback_text(void);
void fallback_json(struct json_object *to);

#endif /* TOOL_FALLBACK_H */
