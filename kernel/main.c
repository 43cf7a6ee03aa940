// SPDX-License-Identifier: GPL-2.0-only
/*
 * cryptmem: memory that is ciphertext whenever its owner does not run.
 *
 * This file is the map: the rooms in the order in which they are opened. Each
 * header says what its room offers and which locks it takes, if any.
 *
 *	chardev   the door: /dev/cryptmem, the ioctls
 *	region    a protected range of addresses: mmap, fork, mremap; touch: fault;
 *		  access: by others
 *	guard     keeps debuggers out; hooks, ptrace: how it learns of them;
 *		  change: what was begun before; sigframe: what may not fail;
 *		  tell: what the log says of them
 *	instruments  what looks from inside: perf, BPF; uprobes: breakpoints;
 *		  handlers: of these; alone: nobody else watches what we use
 *	sched     seals and unseals at context switches; grace: seals later
 *	tasks     has every task of a domain take part in that; attach: those that
 *		  were there before; kick: tells them
 *	domain    what is sealed together; contents: what it holds
 *	window    its frames, the only plaintext there is; frame, rmap
 *	fault     how a page gets into it; growth: how many may be
 *	idle      unmaps what sleeps for long; expiry: what is plain for long
 *	power     the machine's end; hold: ours
 *	store     ciphertext, in shmem
 *	cipher    encryption, by the kernel's crypto API; choice, selftest
 *	limits    how much one user may have
 *	stats     counters
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kconfig.h>
#include <linux/module.h>

#include "chardev.h"
#include "choice.h"
#include "cipher.h"
#include "domain.h"
#include "growth.h"
#include "hold.h"
#include "hooks.h"
#include "idle.h"
#include "power.h"
#include "stats.h"
#include "store.h"
#include "tasks.h"
#include "tell.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * struct cm_room - a part of the module
 * @name: for the log
 * @init: opens it
 * @exit: closes it
 */
struct cm_room {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
};

static const struct cm_room cm_rooms[] = {
	{ "cipher", cm_choice_init, cm_choice_exit },
	{ "growth", cm_growth_init, cm_growth_exit },
	{ "tell", cm_tell_init, cm_tell_exit },
	{ "store", cm_store_init, cm_store_exit },
	{ "domain", cm_domain_init, cm_domain_exit },
	{ "tasks", cm_tasks_init, cm_tasks_exit },
	{ "hooks", cm_hooks_init, cm_hooks_exit },
	{ "idle", cm_idle_init, cm_idle_exit },
	{ "power", cm_power_init, cm_power_exit },
	{ "stats", cm_stats_init, cm_stats_exit },
	{ "chardev", cm_chardev_init, cm_chardev_exit },
};

static void cm_close(unsigned int n)
{
	while (n--)
		cm_rooms[n].exit();
}

static int __init cm_init(void)
{
	unsigned int i;
	int err;

	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		pr_err("PREEMPT_RT: not supported yet: new tasks are attached where this kernel may not allocate\n");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < ARRAY_SIZE(cm_rooms); i++) {
		err = cm_rooms[i].init();
		if (err) {
			pr_err("%s: %d: not loaded\n", cm_rooms[i].name, err);
			cm_hold_refuse();
			cm_close(i);
			return err;
		}
	}
	pr_info("ready: %s, window of %u pages\n", cm_cipher_name(),
		cm_growth_default());
	return 0;
}

static void __exit cm_exit(void)
{
	cm_hold_wait();
	cm_close(ARRAY_SIZE(cm_rooms));
}

module_init(cm_init);
module_exit(cm_exit);
MODULE_DESCRIPTION("Cryptographic memory: plaintext only while its owner runs");
MODULE_AUTHOR("The cryptmem authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
/* Accelerated drivers first: generic ones would cost several times as much. */
MODULE_SOFTDEP("pre: aesni_intel aegis128_aesni gcm");
