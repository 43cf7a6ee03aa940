/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * alone: whether nobody else watches the functions by which instruments read.
 *
 * As long as a hook of ours is the only one at a function's entry, that entry
 * calls the hook's own trampoline, and the hook is called whatever happens.
 * Where others watch the same function, a list is called, which calls nobody for
 * a call made within two others' hooks: an event that is nested three deep would
 * read what it likes. So as long as somebody shares one of these entries, no
 * memory is plaintext: the guard takes every domain for watched.
 *
 * All entries are changed by one function of the kernel. It has a hook, too, and
 * so everything is sealed before the first call could be made by the list.
 *
 * Only where each entry can tell (x86): elsewhere there is nothing here.
 *
 * Locks: cm_alone_lock, a raw spinlock, innermost. The hook is called, and takes
 * each map_lock, under the kernel's ftrace_lock and text_mutex: see domain.h. It
 * does not wait for a map_lock for ever, as others wait for it.
 */
#ifndef _CM_ALONE_H
#define _CM_ALONE_H

#include <linux/list.h>
#include <linux/types.h>

struct ftrace_ops;
struct ftrace_regs;

/**
 * struct cm_alone - the entry of a function that has to be ours alone
 * @link: in the list of all
 * @name: the function
 * @ops: how it is watched
 * @site: address of the instruction that calls; 0: never seen yet
 * @ours: what was last written there, or is about to be, calls @ops' trampoline
 */
struct cm_alone {
	struct list_head link;
	const char *name;
	const struct ftrace_ops *ops;
	unsigned long site;
	bool ours;
};

#ifdef CONFIG_X86

bool cm_alone_lost(void);
void cm_alone_add(struct cm_alone *a, const char *name,
		  const struct ftrace_ops *ops);
int cm_alone_begin(void);
void cm_alone_forget(void);
void cm_alone_end(void);
void cm_alone_on_patch(unsigned long ip, unsigned long parent_ip,
		       struct ftrace_ops *ops, struct ftrace_regs *fregs);

#else

static inline bool cm_alone_lost(void)
{
	return false;
}

static inline void cm_alone_add(struct cm_alone *a, const char *name,
				const struct ftrace_ops *ops)
{
}

static inline int cm_alone_begin(void)
{
	return 0;
}

static inline void cm_alone_forget(void)
{
}

static inline void cm_alone_end(void)
{
}

#endif

#endif /* _CM_ALONE_H */
