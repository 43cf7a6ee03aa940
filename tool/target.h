/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target: would the dynamic loader preload a library into this program, or
 * silently not? A check against mistakes, not a border: the file may change
 * between the look and the exec.
 */
#ifndef TOOL_TARGET_H
#define TOOL_TARGET_H

enum target {
	TARGET_FINE,
	TARGET_UNREADABLE, /* errno tells why */
	TARGET_UNKNOWN, /* neither ELF nor a script */
	TARGET_MALFORMED,
	TARGET_STATIC,
	TARGET_FOREIGN, /* other machine or word size than ours */
	TARGET_SETUID,
	TARGET_SETGID,
	TARGET_CAPABLE,
	TARGET_DEEP, /* scripts of scripts of scripts */
};

/* *culprit, to be freed: path, or the interpreter it is about. */
enum target target_judge(const char *path, char **culprit);

/* The path that execvp() would take, to be freed, or NULL with errno. */
char *target_find(const char *command);

#endif /* TOOL_TARGET_H */
