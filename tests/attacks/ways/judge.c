// SPDX-License-Identifier: GPL-2.0-only
/*
 * For ways in that are scripts.
 *	judge setup		makes a file for $PREY and prints its name
 *	judge get NAME		pid, secret, callback, ordinary, code or loot of the victim, once it is ready
 *	judge leaked FILE	exit 0 if the file has enough of the secret in a row, wherever
 *	judge lives		exit 0 if the victim goes on, and nothing is wrong
 *	judge locked		exit 0 if it does not, because its memory is sealed
 *	judge rounds		how often it has looked at its secret
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prey.h"

static int leaked(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *bytes;

	if (fd < 0 || fstat(fd, &st)) {
		perror(path);
		return 2;
	}
	if (st.st_size == 0)
		return 1;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		perror(path);
		return 2;
	}
	return !prey_leaked(bytes, (size_t)st.st_size);
}

static int get(const char *name)
{
	for (int i = 0; i < 20000 && !prey->ready; i++)
		usleep(1000);
	if (!prey->ready)
		return 1;
	if (strcmp(name, "pid") == 0)
		printf("%d\n", prey->pid);
	else if (strcmp(name, "secret") == 0)
		printf("%#" PRIx64 "\n", prey->secret);
	else if (strcmp(name, "callback") == 0)
		printf("%#" PRIx64 "\n", prey->callback);
	else if (strcmp(name, "ordinary") == 0)
		printf("%#" PRIx64 "\n", prey->ordinary);
	else if (strcmp(name, "code") == 0)
		printf("%#" PRIx64 "\n", prey->code);
	else if (strcmp(name, "loot") == 0)
		printf("%#" PRIx64 "\n", prey->here + offsetof(struct prey, loot));
	else
		return 2;
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "setup") == 0) {
		prey_setup();
		puts(getenv("PREY"));
		fflush(stdout);
		_exit(0);	/* the file stays */
	}
	if (!getenv("PREY"))
		return 2;
	prey_setup();
	if (strcmp(what, "get") == 0 && argc == 3)
		return get(argv[2]);
	if (strcmp(what, "leaked") == 0 && argc == 3)
		return leaked(argv[2]);
	if (strcmp(what, "lives") == 0)
		return !prey_lives();
	if (strcmp(what, "locked") == 0)
		return prey_goes_on() || prey->fault != SIGBUS || prey->wrong;
	if (strcmp(what, "rounds") == 0) {
		printf("%ld\n", prey->rounds);
		return 0;
	}
	return 2;
}
