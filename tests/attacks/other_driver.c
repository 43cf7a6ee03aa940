// SPDX-License-Identifier: GPL-2.0-only
/*
 * P4: through AF_ALG any user can put a wrapper around the cipher's driver that answers from a thread. Domains made after that must go on
 * with the driver that was tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uapi/cryptmem.h>

#include "../unit/tap.h"
#include "victim.h"

#define PAGES	16

static bool wrap(const char *driver)
{
	struct sockaddr_alg alg = { .salg_family = AF_ALG, .salg_type = "aead" };
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);

	strncpy((char *)alg.salg_name, driver, sizeof(alg.salg_name) - 1);
	return fd >= 0 && bind(fd, (void *)&alg, sizeof(alg)) == 0;
}

static bool keeps_its_data(void *unused)
{
	char *region = victim_region(PAGES, NULL);
	bool good = true;

	(void)unused;
	for (int i = 0; i < PAGES; i++)
		memset(region + i * 4096, i + 1, 4096);
	for (int i = 0; i < 20; i++)
		usleep(10000);
	for (int i = 0; i < PAGES; i++)
		good &= tap_is_filled(region + i * 4096, i + 1, 4096);
	return good;
}

int main(void)
{
	struct cryptmem_query query = { .size = sizeof(query) };
	int fd = open(CRYPTMEM_DEVICE, O_RDWR);
	bool wrapped = false;

	victim_setup();
	if (ioctl(fd, CRYPTMEM_IOC_QUERY, &query))
		return 2;
	close(fd);
	tap_note("the cipher is %s", query.cipher);
	if (setgid(65534) || setuid(65534))
		return 2;
	/* Only those of the cipher that is in use count. */
	if (strcmp(query.cipher, "aegis128") == 0) {
		wrapped |= wrap("pcrypt(aegis128-aesni)");
		wrapped |= wrap("pcrypt(aegis128-generic)");
	} else {
		wrapped |= wrap("pcrypt(generic-gcm-aesni)");
		wrapped |= wrap("cryptd(generic-gcm-aesni)");
		wrapped |= wrap("pcrypt(gcm_base(ctr-aes-aesni,ghash-generic))");
		wrapped |= wrap("pcrypt(gcm_base(ctr(aes-generic),ghash-generic))");
	}
	if (!wrapped) {
		ok(true, "a wrapper around the driver # SKIP this kernel lets nobody make one: %s", strerror(errno));
		return tap_done();
	}
	ok(tap_child(keeps_its_data, NULL), "a domain made after someone wrapped the cipher's driver keeps its data");
	return tap_done();
}
