/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference: what has to be done so that what is there becomes what the plan wants.
 *
 * Theory of operation.  A plan is the list of all objects that a lab consists of, in the order in
 * which they are made.  Three things are laid side by side, as `kubectl apply` does: what is wanted
 * (the plan of the file), what was wanted before (the plan of the file that was applied last, and of
 * one whose apply was cut short), and what is there (lab/observe.h).  What is wanted and there is
 * left alone; what is wanted and not there, or different, is made or changed; what was wanted before
 * and is not any more is removed.  What is there and was never wanted is somebody else's, and is
 * left alone.  Nothing here touches the system.
 *
 * The result is a plan again, sorted by units (plan.h): first those that go, then what changes, each
 * unit whole: first what must make way, then what is made and changed, then what goes.  Bridges that
 * others stand on go when all others have left them.
 */
#ifndef WARREN_LAB_DIFF_H
#define WARREN_LAB_DIFF_H

#include "lab/journal.h"
#include "lab/observe.h"
#include "lab/plan.h"

/* one thing that is different, for people and for --json */
struct change {
	char sign;   /* '+' comes, '-' goes, '~' is changed */
	size_t unit; /* index into difference.plan->ns */
	const char
		*object;  /* "listen_port", "peer laptop", "address 10.0.0.1/24 on eth0"; NULL: the
				unit itself */
	const char *from; /* what it is; NULL: not told */
	const char *to;   /* what it will be; NULL: not told */
	const char *because; /* "it is missing", "made anew: …"; NULL: the file says so */
};

struct difference {
	struct plan *plan; /* what is to be done; its strings are those of the plans it came from */
	size_t first_late; /* from this operation on: what only others stood on, if they did */
	struct change *changes;
	size_t n_changes;
};

struct diff_input {
	struct plan *want;             /* links that are there get the numbers they have */
	const struct plan *const *had; /* what was wanted before, the last one first */
	size_t n_had;
	bool unchanged; /* the file is the recorded one: had is as want, and not given */
	const struct observed *seen; /* of want */
	const struct journal *journal;
	const struct table *only; /* subjects of units: the others are left alone; NULL: all */
};

/*
 * diff_plans - *@ret is cleared with difference_clear(), before the plans of @in are freed.
 * -EEXIST, kind ERR_CANNOT: something that is not ours stands where ours is to be.
 */
int diff_plans(const struct diff_input *in, struct difference *ret, struct err *e);
void difference_clear(struct difference *d);

#endif
