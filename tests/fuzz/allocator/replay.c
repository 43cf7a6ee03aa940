// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay FILE...: a fuzzer's inputs, each in a process of its own, one line of
 * TAP for each. For compilers that have no libFuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../unit/tap.h"

#define INPUT_MAX	65536

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	size_t size;
	uint8_t data[INPUT_MAX];
};

static bool load(const char *path, struct input *input)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return false;
	input->size = fread(input->data, 1, sizeof(input->data), file);
	return !ferror(file) && !fclose(file);
}

static bool replay(void *argument)
{
	struct input *input = argument;

	return !LLVMFuzzerTestOneInput(input->data, input->size);
}

int main(int argc, char **argv)
{
	static struct input input;

	LLVMFuzzerInitialize(&argc, &argv);
	ok(argc > 1, "there are inputs to replay");
	for (int i = 1; i < argc; i++)
		ok(load(argv[i], &input) && tap_child(replay, &input), "%s",
		   argv[i]);
	return tap_done();
}
