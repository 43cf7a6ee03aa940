// SPDX-License-Identifier: GPL-2.0-only
/*
 * tell: see tell.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "alone.h"
#include "domain.h"
#include "tell.h"

/*
 * What the log has room for. What users do to what is theirs, as often as they like,
 * takes none of what is there for others; nor does looking on, of what is done.
 */
static DEFINE_RATELIMIT_STATE(cm_tell_own_watchers, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);
static DEFINE_RATELIMIT_STATE(cm_tell_watchers, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);
static DEFINE_RATELIMIT_STATE(cm_tell_own_locks, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);
static DEFINE_RATELIMIT_STATE(cm_tell_locks, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

static bool cm_tell_is_own(const struct cm_domain *d, struct task_struct *by)
{
	return by && uid_eq(task_uid(by), d->uid);
}

/**
 * cm_tell_watched() - say that somebody watches a domain
 * @d: the domain
 * @by: the tracer's process; NULL: uprobes, or events of the kernel
 *
 * Context: process context.
 */
void cm_tell_watched(struct cm_domain *d, struct pid *by)
{
	char who[TASK_COMM_LEN + 16];
	struct task_struct *t;
	bool may;

	strscpy(who, cm_alone_lost() ? "events of the kernel" : "uprobes",
		sizeof(who));
	rcu_read_lock();
	t = pid_task(by, PIDTYPE_TGID);
	if (t)
		snprintf(who, sizeof(who), "%s[%d]", t->comm, pid_nr(by));
	may = __ratelimit(cm_tell_is_own(d, t) ? &cm_tell_own_watchers :
						 &cm_tell_watchers);
	rcu_read_unlock();
	if (may)
		pr_info("%s[%d]: watched by %s: its memory is sealed as long as that lasts\n",
			d->comm, d->pid, who);
}

/**
 * cm_tell_locked() - say that a domain has been locked
 * @d: the domain
 * @what: what was done, or is about to be done, to it
 * @by: who does that
 *
 * Context: process context.
 */
void cm_tell_locked(struct cm_domain *d, const char *what,
		    struct task_struct *by)
{
	if (__ratelimit(cm_tell_is_own(d, by) ? &cm_tell_own_locks :
						&cm_tell_locks))
		pr_warn("%s[%d]: %s by %s[%d] of user %u: its memory is sealed until it exits\n",
			d->comm, d->pid, what, by->comm, task_tgid_nr(by),
			from_kuid(&init_user_ns, task_uid(by)));
}
