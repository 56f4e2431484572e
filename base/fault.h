/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults for tests: die, fail or be interrupted at the n-th instant of a run.
 *
 * WARREN_FAULT=kill@N	SIGKILL to this process at the N-th point (from 1)
 * WARREN_FAULT=fail@N	the N-th point fails with EIO
 * WARREN_FAULT=int@N	SIGINT to this process at the N-th point
 * WARREN_FAULT=count	the number of points passed goes to stderr at exit
 *
 * Points stand between any two changes of the system, so that tests can try
 * every instant in turn.  Without the variable a point costs one comparison.
 */
#ifndef WARREN_BASE_FAULT_H
#define WARREN_BASE_FAULT_H

#include <stdbool.h>

#include "base/err.h"

/* fault_active - is WARREN_FAULT set?  Then requests are not batched: each is an instant. */
bool fault_active(void);

/* fault_point - an instant at which to die or fail.  Returns 0, or -EIO for fail@N;
 * @what names the point in the error. */
int fault_point(const char *what, struct err *e);

#endif
