// SPDX-License-Identifier: GPL-2.0-only
/*
 * chardev: see chardev.h.
 */
#include <linux/build_bug.h>
#include <linux/cdev.h>
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <uapi/cryptmem.h>

#include "attach.h"
#include "change.h"
#include "chardev.h"
#include "cipher.h"
#include "compat.h"
#include "domain.h"
#include "guard.h"
#include "limits.h"
#include "region.h"

/* The border, byte for byte: no holes, and what is there stays there. */
static_assert(sizeof(struct cryptmem_query) == 72);
static_assert(offsetof(struct cryptmem_query, cipher) == 48);
static_assert(sizeof(struct cryptmem_status) == 152);
static_assert(offsetof(struct cryptmem_status, plain_ns) == 128);
static_assert(offsetof(struct cryptmem_status, user_regions) == 136);
static_assert(sizeof(struct cryptmem_config) == 16);
static_assert(sizeof(struct cryptmem_discard) == 24);

/* What the first version of each struct had. */
#define CM_SIZE_QUERY_V1	72
#define CM_SIZE_STATUS_V1	128
#define CM_SIZE_CONFIG_V1	16
#define CM_SIZE_DISCARD_V1	24

/* Take in a struct that starts with its size; see the rules in the header. */
static int cm_chardev_get(void *kstruct, size_t ksize, size_t v1,
			  void __user *arg, u32 *usize)
{
	if (get_user(*usize, (u32 __user *)arg))
		return -EFAULT;
	if (*usize < v1)
		return -EINVAL;
	/* What we do not know has to be looked through. */
	if (*usize > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(kstruct, ksize, arg, *usize);
}

/* Give a struct back: no more than the caller has room for, and says so. */
static int cm_chardev_give(void *kstruct, size_t ksize, void __user *arg,
			   u32 usize)
{
	u32 size = min_t(size_t, ksize, usize);

	*(u32 *)kstruct = size;
	return copy_to_user(arg, kstruct, size) ? -EFAULT : 0;
}

static int cm_chardev_query(void __user *arg)
{
	struct cryptmem_query q;
	u32 usize;
	int err = cm_chardev_get(&q, sizeof(q), CM_SIZE_QUERY_V1, arg, &usize);

	if (err)
		return err;
	memset(&q, 0, sizeof(q));
	q.abi = CRYPTMEM_ABI_VERSION;
	q.features = CRYPTMEM_FEAT_STRICT | CRYPTMEM_FEAT_GUARD |
		     CRYPTMEM_FEAT_FOREIGN_WRITE | CRYPTMEM_FEAT_FORK |
		     CRYPTMEM_FEAT_DISCARD | CRYPTMEM_FEAT_POLICY;
	if (cm_cipher_authenticated())
		q.features |= CRYPTMEM_FEAT_AUTHENTICATED;
	q.page_size = PAGE_SIZE;
	q.window_default = cm_growth_default();
	q.window_min = CM_WINDOW_MIN;
	q.window_max = cm_growth_max();
	q.max_regions = cm_limits_max_regions();
	q.max_pages = cm_limits_max_pages();
	strscpy(q.cipher, cm_cipher_name(), sizeof(q.cipher));
	return cm_chardev_give(&q, sizeof(q), arg, usize);
}

static void cm_chardev_fill_status(struct cm_domain *d,
				   struct cryptmem_status *s)
{
	memset(s, 0, sizeof(*s));
	mutex_lock(&d->map_lock);
	s->state = (d->regions ? CRYPTMEM_STATE_ACTIVE : 0) |
		   (cm_guard_traced(d) ? CRYPTMEM_STATE_TRACED : 0) |
		   (d->locked ? CRYPTMEM_STATE_LOCKED : 0) |
		   (READ_ONCE(d->broken) ? CRYPTMEM_STATE_BROKEN : 0) |
		   (d->refuses ? CRYPTMEM_STATE_REFUSES : 0) |
		   (d->hides ? CRYPTMEM_STATE_HIDES : 0);
	s->regions = d->regions;
	s->window = d->window.limit;
	s->mapped_pages = d->mapped_pages;
	s->used_pages = d->used_pages;
	s->window_pages = d->window.count;
	s->faults = d->counts.faults;
	s->evictions = d->counts.evictions;
	mutex_unlock(&d->map_lock);
	s->parked = atomic64_read(&d->counts.parked);
	s->refused = atomic64_read(&d->counts.refused);

	raw_spin_lock_irq(&d->lock);
	cm_window_count_plain(d);
	s->seals = d->counts.seals;
	s->clean_seals = d->counts.clean_seals;
	s->unseals = d->counts.unseals;
	s->tampered = d->counts.tampered;
	s->switch_seals = d->counts.switch_seals;
	s->seal_ns = d->counts.switch_ns;
	s->seal_ns_max = d->counts.switch_ns_max;
	s->plain_ns = d->counts.plain_ns;
	raw_spin_unlock_irq(&d->lock);
	cm_limits_read(current_uid(), &s->user_regions, &s->user_pages);
}

static int cm_chardev_status(struct cm_domain *d, void __user *arg)
{
	struct cryptmem_status s;
	u32 usize;
	int err = cm_chardev_get(&s, sizeof(s), CM_SIZE_STATUS_V1, arg, &usize);

	if (err)
		return err;
	cm_chardev_fill_status(d, &s);
	return cm_chardev_give(&s, sizeof(s), arg, usize);
}

static int cm_chardev_config(struct cm_domain *d, void __user *arg)
{
	const u32 policy = CRYPTMEM_CONFIG_PARK | CRYPTMEM_CONFIG_REFUSE;
	struct cryptmem_config c;
	u32 usize;
	int err = cm_chardev_get(&c, sizeof(c), CM_SIZE_CONFIG_V1, arg, &usize);

	if (err)
		return err;
	if (c.flags & ~(policy | CRYPTMEM_CONFIG_HIDE) || c.reserved ||
	    (c.flags & policy) == policy)
		return -EINVAL;
	mutex_lock(&d->map_lock);
	if (c.window)
		err = cm_window_resize(d, c.window);
	if (!err && c.flags & policy)
		d->refuses = c.flags & CRYPTMEM_CONFIG_REFUSE;
	if (!err && c.flags & CRYPTMEM_CONFIG_HIDE)
		WRITE_ONCE(d->hides, true);
	mutex_unlock(&d->map_lock);
	return err;
}

static int cm_chardev_discard(struct cm_domain *d, void __user *arg)
{
	struct cryptmem_discard c;
	u32 usize;
	int err = cm_chardev_get(&c, sizeof(c), CM_SIZE_DISCARD_V1, arg, &usize);

	if (err)
		return err;
	if (c.flags || !c.len || !PAGE_ALIGNED(c.addr) || !PAGE_ALIGNED(c.len))
		return -EINVAL;
	if (c.addr + c.len < c.addr)
		return -EOVERFLOW;
	return cm_region_discard(d, c.addr, c.len);
}

static long cm_chardev_ioctl(struct file *file, unsigned int cmd,
			     unsigned long uarg)
{
	struct cm_domain *d = file->private_data;
	void __user *arg = (void __user *)uarg;

	if (cmd == CRYPTMEM_IOC_QUERY)
		return cm_chardev_query(arg);
	if (current->mm != d->mm)
		return -EPERM;
	switch (cmd) {
	case CRYPTMEM_IOC_STATUS:
		return cm_chardev_status(d, arg);
	case CRYPTMEM_IOC_CONFIG:
		return cm_chardev_config(d, arg);
	case CRYPTMEM_IOC_DISCARD:
		return cm_chardev_discard(d, arg);
	default:
		return -ENOTTY;
	}
}

static int cm_chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	return cm_region_mmap(file->private_data, vma);
}

static int cm_chardev_open(struct inode *inode, struct file *file)
{
	struct cm_domain *d;
	int err;

	/* A kernel thread has nobody's memory to protect. */
	if (!current->mm)
		return -EPERM;
	/* Here, and not where a key is made, with an mmap_lock held. */
	err = wait_for_random_bytes();
	if (err)
		return err;
	d = cm_domain_open(current->mm);
	if (IS_ERR(d))
		return PTR_ERR(d);
	err = cm_attach_all(d);
	if (err) {
		cm_domain_user_put(d);
		return err;
	}
	cm_change_look(d);
	file->private_data = d;
	/* All VMAs of a family hang on one inode of ours, whatever the node. */
	file->f_mapping = d->inode->i_mapping;
	return nonseekable_open(inode, file);
}

static int cm_chardev_release(struct inode *inode, struct file *file)
{
	cm_domain_user_put(file->private_data);
	return 0;
}

static const struct file_operations cm_chardev_fops = {
	.owner = THIS_MODULE,
	.open = cm_chardev_open,
	.release = cm_chardev_release,
	.unlocked_ioctl = cm_chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = cm_chardev_mmap,
};

static char *cm_chardev_devnode(CM_DEVNODE_CONST struct device *dev,
				umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

static struct class cm_chardev_class = {
	.name = "cryptmem",
	.devnode = cm_chardev_devnode,
};

/*
 * No misc device: those are opened one at a time, on the whole machine, and our
 * open() may take its time.
 */
static struct cdev cm_chardev;
static dev_t cm_chardev_number;

/**
 * cm_chardev_init() - open the door
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int cm_chardev_init(void)
{
	struct device *dev;
	int err;

	err = alloc_chrdev_region(&cm_chardev_number, 0, 1, "cryptmem");
	if (err)
		return err;
	cdev_init(&cm_chardev, &cm_chardev_fops);
	cm_chardev.owner = THIS_MODULE;
	err = class_register(&cm_chardev_class);
	if (err)
		goto err_region;
	dev = device_create(&cm_chardev_class, NULL, cm_chardev_number, NULL,
			    "cryptmem");
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		goto err_class;
	}
	/* Last: who has opened it would not let a module go that was not loaded. */
	err = cdev_add(&cm_chardev, cm_chardev_number, 1);
	if (!err)
		return 0;
	device_destroy(&cm_chardev_class, cm_chardev_number);
err_class:
	class_unregister(&cm_chardev_class);
err_region:
	unregister_chrdev_region(cm_chardev_number, 1);
	return err;
}

/**
 * cm_chardev_exit() - close it; open descriptors hold the module
 *
 * Context: process context, may sleep.
 */
void cm_chardev_exit(void)
{
	cdev_del(&cm_chardev);
	device_destroy(&cm_chardev_class, cm_chardev_number);
	class_unregister(&cm_chardev_class);
	unregister_chrdev_region(cm_chardev_number, 1);
}
