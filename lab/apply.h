/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrying a plan out, and taking back what a journal says was made.
 */
#ifndef WARREN_LAB_APPLY_H
#define WARREN_LAB_APPLY_H

#include <signal.h>
#include <stddef.h>

#include "base/err.h"
#include "lab/journal.h"
#include "lab/plan.h"
#include "lab/store.h"

struct apply_hooks {
	/* polled between operations: when it becomes true, stop with -EINTR; NULL: never */
	volatile sig_atomic_t *stop;
	/* after each operation, from the helper thread; NULL: not wanted */
	void (*progress)(size_t done, size_t total, void *arg);
	/* after each operation, from the helper thread; NULL: not wanted */
	void (*did)(const struct plan *plan, const struct op *op, void *arg);
	/* a plan by units: all of @unit is done, from the helper thread; NULL: not wanted */
	void (*unit_done)(const struct plan *plan, size_t unit, void *arg);
	/* something that the user should know and that is no failure; NULL: not wanted */
	void (*note)(const char *text, void *arg);
	/* a unit could not be changed, and what has become of it; NULL: not wanted */
	void (*failed)(const char *text, void *arg);
	void *arg;
};

/*
 * Where the time went: seconds by kind of operation, and how many there were.  Requests about links
 * are sent together: what the kernel takes for them is all under OP_VETH.
 */
struct apply_timing {
	double seconds[OP_KINDS];
	size_t count[OP_KINDS];
	double observing, comparing; /* before a change; 0: there was no need */
	size_t observed;             /* namespaces */
};

/*
 * apply_plan - carry out @plan, writing down in @j what is made before it is made.
 * Runs in a helper thread; the caller's namespace does not change.  On failure the error names the
 * namespace and the operation, and what was made stays, in the journal: undo_journal() removes it.
 */
int apply_plan(const struct plan *plan, struct journal *j, const struct store *store,
	       const struct apply_hooks *hooks, struct apply_timing *timing, struct err *e);

/* apply_from - the same from operation *@at on; on failure *@at is where it stopped: all before the
 * unit of that operation is done. */
int apply_from(const struct plan *plan, size_t *at, struct journal *j, const struct store *store,
	       const struct apply_hooks *hooks, struct apply_timing *timing, struct err *e);

/*
 * undo_journal - remove everything that @j says is there, last made first.  An object that is gone
 * already is fine; one that is not the one we made is left alone, with a note.  Goes on after a
 * failure and returns the first; what could not be removed stays in the journal.
 */
int undo_journal(struct journal *j, const struct apply_hooks *hooks, struct err *e);

/*
 * undo_begin, undo_one, undo_end - the same for single records, in a helper thread that begins in the
 * caller's namespace; undo_one() leaves it in any.  @id: the record's number; one that is not live is
 * fine.
 */
struct undo;
int undo_begin(struct journal *j, const struct apply_hooks *hooks, struct undo **ret,
	       struct err *e);
int undo_one(struct undo *u, unsigned int id, struct err *e);
void undo_end(struct undo *u);

#endif
