/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * choice: which cipher, once, at load.
 *
 * The one that the administrator names; else of those that are authenticated the
 * one that is fastest on this machine.
 */
#ifndef _CM_CHOICE_H
#define _CM_CHOICE_H

int cm_choice_init(void);
void cm_choice_exit(void);

#endif /* _CM_CHOICE_H */
