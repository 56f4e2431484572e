/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans, differences and where the time went, as output.
 */
#ifndef WARREN_CMD_OUT_PLAN_H
#define WARREN_CMD_OUT_PLAN_H

#include "cmd/cmd.h"
#include "lab/apply.h"
#include "lab/diff.h"
#include "lab/plan.h"

/* out_plan - each operation on a line; returns the exit status. */
int out_plan(struct cmd *c, const struct plan *p);

/* out_difference - each change on a line: "~ tenant c17: listen_port 50017 → 50117". */
int out_difference(struct cmd *c, const struct difference *d);

/* out_timing - --timing: a table on stderr.  @total: seconds. */
void out_timing(const struct apply_timing *t, double total);

/* out_operation - -v: an apply_hooks.did that prints each operation on stderr. */
void out_operation(const struct plan *p, const struct op *op, void *arg);

#endif
