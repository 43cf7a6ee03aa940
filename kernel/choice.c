// SPDX-License-Identifier: GPL-2.0-only
/*
 * choice: see choice.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "choice.h"
#include "cipher.h"

static const struct cm_cipher cm_choices[] = {
	{ "gcm(aes)", true, "gcm_base(ctr(aes-generic),ghash-generic)" },
	{ "aegis128", true, "aegis128-generic" },
	{ "cbc(aes)", false, "cbc(aes-generic)" },
};

#define CM_CHOICE_AUTO	"auto"

static char *cipher = CM_CHOICE_AUTO;
module_param(cipher, charp, 0444);
MODULE_PARM_DESC(cipher, "auto (default: gcm(aes), or aegis128 where that is faster), gcm(aes), aegis128, or cbc(aes) as the paper had it (no integrity)");

/*
 * Take the fastest of those that are authenticated; but the first, unless
 * another is faster by a tenth. One that this kernel lacks, or that fails, is no
 * candidate.
 */
static int cm_choice_take_fastest(void)
{
	struct cm_cipher_use best = {};
	u64 least = U64_MAX, ns;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cm_choices); i++) {
		const struct cm_cipher *c = &cm_choices[i];

		if (!c->aead || cm_cipher_take(c))
			continue;
		ns = cm_cipher_speed();
		pr_info("%s: %llu ns to seal and unseal a page\n", c->name, ns);
		if (ns < least - least / 10) {
			least = ns;
			cm_cipher_swap(&best);
		}
		/* The slower one. */
		cm_cipher_drop();
	}
	if (!best.cipher)
		return -ENOENT;
	cm_cipher_swap(&best);
	return 0;
}

static const struct cm_cipher *cm_choice_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cm_choices); i++)
		if (!strcmp(cm_choices[i].name, name))
			return &cm_choices[i];
	return NULL;
}

/**
 * cm_choice_init() - choose the cipher and prove it on this machine
 *
 * Context: process context, may sleep and load modules.
 * Return: 0, -EINVAL for an unknown name, -ENOENT when the kernel lacks it,
 * -EIO when a self-test fails.
 */
int cm_choice_init(void)
{
	const struct cm_cipher *c = cm_choice_named(cipher);
	int err;

	if (!c && strcmp(cipher, CM_CHOICE_AUTO)) {
		pr_err("cipher=%s: not one of auto, gcm(aes), aegis128, cbc(aes)\n",
		       cipher);
		return -EINVAL;
	}
	err = c ? cm_cipher_take(c) : cm_choice_take_fastest();
	if (err)
		pr_err("cipher=%s: this kernel cannot provide it (%d)\n",
		       cipher, err);
	return err;
}

/**
 * cm_choice_exit() - undo cm_choice_init(); no key may be left
 *
 * Context: process context, may sleep.
 */
void cm_choice_exit(void)
{
	cm_cipher_drop();
}
