/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing a running lab in place.
 *
 * Theory of operation.  Under the lab's lock the recorded file and the new one are both turned into
 * plans, the system is observed, and the difference (lab/diff.h) is carried out unit by unit.  Before
 * the first operation the former file is put aside and the new one recorded, so that whatever happens
 * later, everything that can be there is in one of them: an apply that was cut short is finished, or
 * taken back, by the next one.  A unit that fails is put back as it was, by the same means: the
 * difference from what is there then to the former file; the other units go on.
 *
 * Of thousands of tenants one may have changed: then the two files tell which (lab/diff_units.h), and
 * who is in a hurry looks at no others.
 */
#ifndef WARREN_LAB_CHANGE_H
#define WARREN_LAB_CHANGE_H

#include "lab/diff.h"
#include "lab/lab.h"

struct change_options {
	const char *host; /* --host, or NULL: as the lab was made */
	bool has_backend; /* false: as the lab was made */
	enum backend backend;
	bool only_changed; /* look only at units that the file says something else about */
};

/* a comparison of a file with what runs; everything that it borrows from stays with it */
struct comparison {
	struct lab lab; /* as recorded; its lock is held by lab_apply() */
	bool is_up;     /* false: it is not, and the difference is the whole file */
	const struct host *host;
	enum backend backend; /* of the tunnels that are wanted */
	struct plan *want;
	bool unchanged; /* the file is the recorded one, word for word: there are no formers */
	struct former {
		struct lab_file file;
		struct plan *plan;
		/* of an apply that was cut short: what was not as it says, before this one */
		struct observed seen;
		struct difference lacks;
	} * formers; /* the recorded file first, then those of applies that were cut short */
	const struct plan **had;
	size_t n_formers;
	bool is_narrow;    /* only these are looked at: */
	struct table only; /* subjects of units */
	struct observed seen;
	struct difference diff;
	double observing, comparing; /* seconds that it took */
	bool file_only; /* nothing to be done, but the file says something else (checks, labels …) */
};

/*
 * lab_compare - what lab_apply() would do, doing nothing.  Takes no lock.  *@ret is cleared with
 * comparison_clear() in any case, before @f.
 */
int lab_compare(const struct lab_file *f, const struct change_options *o, struct comparison *ret,
		struct err *e);
void comparison_clear(struct comparison *c);

struct apply_report {
	bool was_down;             /* it was not up: made as by lab_up() */
	size_t n_units, n_changes; /* changed */
	bool is_narrow;            /* only what the file changes was looked at */
	size_t n_failed;           /* units that could not be changed; each was told by a note */
};

/*
 * lab_apply - make what runs as @f wants it; a lab that is not up is brought up.
 * -EIO and the like: some units could not be changed: @ret says how many, and the error is the first
 * of them.  -EINTR: stopped between two units.
 */
int lab_apply(const struct lab_file *f, const struct change_options *o,
	      const struct apply_hooks *hooks, struct apply_timing *timing,
	      struct apply_report *ret, struct err *e);

#endif
