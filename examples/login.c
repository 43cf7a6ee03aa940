// SPDX-License-Identifier: MIT
/* login: asks for a password, twice, and compares them. cc login.c -lsalloc */
#include <err.h>
#include <secure.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LONGEST	256

secure static char known[LONGEST];

/* One line of standard input, with zeros behind it. */
static void ask(const char *what, char *line)
{
	size_t length = 0;

	memset(line, 0, LONGEST);
	fputs(what, stderr);
	while (length < LONGEST - 1 && read(STDIN_FILENO, line + length, 1) == 1 && line[length] != '\n')
		length++;
	line[length] = '\0';
}

static int matches(void)
{
	secure_auto_array(char, given, LONGEST);

	if (!given)
		err(1, "secure_auto_array");
	ask("again: ", given);
	/* Wiped as this returns. */
	return salloc_equal(given, known, LONGEST);
}

int main(void)
{
	ask("password: ", known);
	puts(matches() ? "the same" : "not the same");
	return 0;
}
