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
#include "limits.h"
#include "tell.h"

/**
 * enum cm_news - what the log has room for
 * @CM_WATCHERS: who looks on
 * @CM_LOCKS: who has a domain locked: no onlooker takes a line of those
 * @CM_NEWS: how many kinds there are
 */
enum cm_news {
	CM_WATCHERS,
	CM_LOCKS,
	CM_NEWS,
};

#define CM_TELL_PLACES	64

/*
 * For each user's processes, by a hash: nobody but who can do that to them takes
 * what is there for others. Nor do users, who do what they like to what is theirs,
 * take what is there for those who are no such.
 */
static struct ratelimit_state cm_tell_states[CM_TELL_PLACES][CM_NEWS][2];

/* @by: who does it, or NULL */
static bool cm_tell_may(const struct cm_domain *d, enum cm_news news,
			struct task_struct *by)
{
	bool own = by && uid_eq(task_uid(by), d->uid);

	return __ratelimit(&cm_tell_states[cm_limits_place(d->uid, CM_TELL_PLACES)]
					  [news][own]);
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
	may = cm_tell_may(d, CM_WATCHERS, t);
	rcu_read_unlock();
	if (may)
		pr_info("%s[%d]: watched by %s: its memory is sealed as long as that lasts\n",
			d->comm, READ_ONCE(d->pid), who);
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
	if (cm_tell_may(d, CM_LOCKS, by))
		pr_warn("%s[%d]: %s by %s[%d] of user %u: its memory is sealed until it exits\n",
			d->comm, READ_ONCE(d->pid), what, by->comm, task_tgid_nr(by),
			from_kuid(&init_user_ns, task_uid(by)));
}

/**
 * cm_tell_init() - have room for all
 *
 * Return: 0.
 */
int cm_tell_init(void)
{
	struct ratelimit_state *at = &cm_tell_states[0][0][0];
	unsigned int i;

	for (i = 0; i < CM_TELL_PLACES * CM_NEWS * 2; i++)
		ratelimit_state_init(&at[i], DEFAULT_RATELIMIT_INTERVAL,
				     DEFAULT_RATELIMIT_BURST);
	return 0;
}

/**
 * cm_tell_exit() - undo cm_tell_init()
 */
void cm_tell_exit(void)
{
}
