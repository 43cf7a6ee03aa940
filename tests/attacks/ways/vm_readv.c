// SPDX-License-Identifier: GPL-2.0-only
/* process_vm_readv() where the secret is. */
#include <sys/uio.h>

#include "prey.h"

int main(int argc, char **argv)
{
	static unsigned char bytes[PREY_BYTES];
	struct iovec local = { bytes, sizeof(bytes) }, remote = { NULL, sizeof(bytes) };
	ssize_t n;

	prey_setup();
	if (argc != 2 || !prey_start(argv[1], "loop"))
		return 2;
	remote.iov_base = (void *)(uintptr_t)prey->secret;
	n = process_vm_readv(prey->pid, &local, 1, &remote, 1, 0);
	prey_judge(bytes, sizeof(bytes), n > 0 ? "ciphertext" : "refused", "process_vm_readv()");
}
