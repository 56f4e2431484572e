/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The units in which two plans of one lab differ, without a look at the system.
 *
 * Theory of operation.  A unit is the same in both when the file says the same of it, with the same
 * keys, and when its operations are alike: these depend on other units as well, a tenant's bridge on
 * how many others there are.  What the file says of a gateway or of the segments counts for all that
 * stands on them, and so does a bridge less of a gateway.
 */
#ifndef WARREN_LAB_DIFF_UNITS_H
#define WARREN_LAB_DIFF_UNITS_H

#include "base/table.h"
#include "lab/plan.h"

/*
 * units_differing - into @ret, the subjects (plan.h) of those that differ, or that are in one of the
 * plans only; they are borrowed from the plans.  *@ret_all: a gateway or the segments
 * have changed so that it may be any of them.  Pure.  Returns 0 or -ENOMEM; the caller calls
 * table_free() in any case.  Keys must have been resolved (lab/keys.h).
 */
int units_differing(const struct plan *want, const struct plan *had, struct table *ret,
		    bool *ret_all, struct err *e);

/*
 * units_namespaces - mark, in @marked (one for each namespace of @p), those that the operations of
 * @units (subjects) in plan @from act in.  Returns 0 or -ENOMEM.
 */
int units_namespaces(const struct plan *from, const struct table *units, const struct plan *p,
		     bool *marked, struct err *e);

#endif
