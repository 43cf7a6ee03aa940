/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: cryptmem:cryptmem_{seal,unseal,fault,park}. They tell sizes and
 * places, never keys or contents. seal and unseal fire under the run-queue
 * lock, as sched_switch does.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cryptmem

#if !defined(_CM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _CM_TRACE_H

#include <linux/mm_types.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(cryptmem_switch,
	TP_PROTO(struct mm_struct *mm, unsigned int frames),
	TP_ARGS(mm, frames),
	TP_STRUCT__entry(
		__field(const void *, mm)
		__field(unsigned int, frames)
	),
	TP_fast_assign(
		__entry->mm = mm;
		__entry->frames = frames;
	),
	TP_printk("mm=%p frames=%u", __entry->mm, __entry->frames)
);

DEFINE_EVENT(cryptmem_switch, cryptmem_seal,
	TP_PROTO(struct mm_struct *mm, unsigned int frames),
	TP_ARGS(mm, frames)
);

DEFINE_EVENT(cryptmem_switch, cryptmem_unseal,
	TP_PROTO(struct mm_struct *mm, unsigned int frames),
	TP_ARGS(mm, frames)
);

TRACE_EVENT(cryptmem_fault,
	TP_PROTO(unsigned long address, bool write, int err),
	TP_ARGS(address, write, err),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(bool, write)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->write = write;
		__entry->err = err;
	),
	TP_printk("address=%#lx %s err=%d", __entry->address,
		  __entry->write ? "write" : "read", __entry->err)
);

TRACE_EVENT(cryptmem_park,
	TP_PROTO(unsigned long address, bool user),
	TP_ARGS(address, user),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(bool, user)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->user = user;
	),
	TP_printk("address=%#lx in %s mode", __entry->address,
		  __entry->user ? "user" : "kernel")
);

#endif /* _CM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
