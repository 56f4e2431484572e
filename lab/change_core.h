/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of change: what comparing and applying share.  Only lab/change*.c include this.
 */
#ifndef WARREN_LAB_CHANGE_CORE_H
#define WARREN_LAB_CHANGE_CORE_H

#include "lab/change.h"
#include "lab/keys.h"

/* c->lab, and whether it is up */
int change_open(struct comparison *c, const struct lab_file *f, const struct change_options *o,
		struct err *e);
/* everything else; @j: of the lab, to be read */
int change_compare(struct comparison *c, const struct lab_file *f, const struct change_options *o,
		   const struct journal *j, enum keys_make keys, struct err *e);
/* the plan of one of the files; @host: host mode, or NULL */
int change_build(const struct comparison *c, const struct topology *t, const char *host,
		 enum backend backend, struct plan **ret, struct err *e);

/* what lab_apply() works with */
struct changer {
	const struct lab_file *f;
	struct comparison *c;
	struct journal *j;
	const struct apply_hooks *hooks;
	struct apply_timing *timing;
	struct apply_report *report;
	struct err first; /* of units that failed */
	size_t n_ops;     /* of the difference */
	bool *failed;     /* per unit */
	bool *counted;    /* per unit */
};

/*
 * change_measure - an apply was cut short: note which of the former files each unit is like, before
 * anything is changed.
 */
int change_measure(struct comparison *c, const struct journal *j, struct err *e);

/*
 * change_failed - operation @at of the difference failed with @why: its unit is put back, and with it
 * those that cannot stay as they are when it is; each is told.  @stop: no other unit will have its turn.
 */
void change_failed(struct changer *ch, size_t at, bool stop, const struct err *why);

#endif
