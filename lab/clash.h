/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that a plan wants and that are taken by something that is not the lab's.
 */
#ifndef WARREN_LAB_CLASH_H
#define WARREN_LAB_CLASH_H

#include "base/err.h"
#include "lab/plan.h"

/*
 * clash_check - compare @plan with what is on the machine; nothing is changed.
 * @links: host mode: what is in the caller's namespace; else NULL.
 * -EEXIST, kind ERR_CANNOT, with the first clash and how many there are.
 */
int clash_check(const struct plan *plan, const struct links_seen *links, struct err *e);

#endif
