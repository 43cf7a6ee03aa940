/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * commands: the subcommands. Each takes its own name as argv[0] and returns an
 * exit code of util.h.
 */
#ifndef TOOL_COMMANDS_H
#define TOOL_COMMANDS_H

#include <stdbool.h>
#include <sys/types.h>

struct totals;

int command_status(int argc, char **argv);
int command_stats(int argc, char **argv);
int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_version(int argc, char **argv);
int command_help(int argc, char **argv);

double stats_clean_share(const struct totals *t);
double stats_switch_mean(const struct totals *t);
bool check_gives_away(const unsigned char *seen, ssize_t len, const unsigned char *pattern);

#endif /* TOOL_COMMANDS_H */
