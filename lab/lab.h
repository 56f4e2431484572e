/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lab as a whole: find it, bring it up, take it down, look at its health.
 */
#ifndef WARREN_LAB_LAB_H
#define WARREN_LAB_LAB_H

#include <stdbool.h>

#include "base/err.h"
#include "lab/apply.h"
#include "lab/journal.h"
#include "lab/load.h"
#include "lab/plan.h"
#include "lab/store.h"

/* a topology file, or folder of one (lab/bundle.h), that has been read */
struct lab_file {
	char *shown; /* as messages call it: what was typed, or its path in /etc/warren; NULL: none was found */
	char *path; /* absolute */
	char *dir;  /* the file's folder, or the folder itself */
	char *text;
	size_t len;
	char *leases; /* what its pools have given before */
	struct topology *t;
};

/*
 * lab_file_read - read and check a topology, a file or a folder; its pools give what they gave before.
 * @word: its path, or the name of a lab in /etc/warren (lab/etc.h).
 * @diags: initialised here; what is wrong with the file, when -EINVAL is returned (kind
 *	   ERR_INVALID).  The caller calls lab_file_clear() and diags_free() in any case.
 */
int lab_file_read(const char *word, struct lab_file *ret, struct diags *diags, struct err *e);
void lab_file_clear(struct lab_file *f);

/* a recorded lab */
struct lab {
	struct store store;
	struct lab_meta meta;
	char *text; /* of its file */
	size_t len;
	char *leases; /* of its pools */
	struct topology *t;
	const struct host *host; /* host mode: this one; NULL: all */
	enum backend backend;
	struct journal *journal;
};

/*
 * lab_open - a recorded lab by name, or by the topology file that it was made from.
 * Takes no lock.  -ENOENT: no such lab.  The caller calls lab_close(), also on failure.
 */
int lab_open(const char *name_or_file, struct lab *ret, struct err *e);
void lab_close(struct lab *l);

/* lab_is_file - is @name_or_file a topology file or folder, or the name of one in /etc/warren, rather
 * than that of a recorded lab? */
bool lab_is_file(const char *name_or_file);

/* lab_name - the name that @name_or_file stands for, into @buf. -ENOENT, -EINVAL. */
int lab_name(const char *name_or_file, char buf[static LAB_NAME_MAX + 1], struct err *e);

/* lab_problems - what of a lab's record is not there any more: calls @fn with a line for each
 * ("namespace c00 is gone").  Returns how many, or -errno. */
int lab_problems(const struct lab *l, void (*fn)(const char *text, void *arg), void *arg,
		 struct err *e);

/* lab_state_name - "up", "degraded" (something of it is gone), "making",
 * "changing" (an apply is under way, or did not finish), "removing". */
const char *lab_state_name(const struct lab *l);

/* lab_tenant - the @i-th tenant of the gateways of @l, in the file's order; NULL: there is none. */
const struct tenant *lab_tenant(const struct lab *l, size_t i);

/* lab_is_here - host mode: is this process in the namespace that is the lab's host?  Returns 0,
 * or -EXDEV, kind ERR_CANNOT. */
int lab_is_here(const struct lab *l, struct err *e);

/* lab_ns_open - the namespace of a host or a tenant of @l by its name or its namespace's name.
 * Returns a descriptor or -errno; *@ret_netns is its pinned name, NULL for the caller's own. */
int lab_ns_open(const struct lab *l, const char *name, const char **ret_netns, struct err *e);

struct up_options {
	const char *host;     /* --host, or NULL */
	enum backend backend; /* wanted */
};

enum up_result {
	UP_MADE,
	UP_UNCHANGED,
};

/*
 * lab_plan - what lab_up() would do, doing nothing.  *@ret is freed with plan_free() and borrows
 * from @f.  Needs no privilege.
 */
int lab_plan(const struct lab_file *f, const struct up_options *o, struct plan **ret,
	     struct err *e);

/* lab_plan_blind - the same without asking the machine which backend it can do: @o->backend is not
 * BACKEND_AUTO. */
int lab_plan_blind(const struct lab_file *f, const struct up_options *o, struct plan **ret,
		   struct err *e);

/*
 * lab_up - make the lab of @f, or nothing: on failure all that was made has been removed.
 * A lab that is up and means the same is left alone (UP_UNCHANGED).  What a killed run left is
 * removed first.  Blocks until every tunnel and program is ready.
 * -EEXIST, kind ERR_CANNOT: a name is taken by something that is not this lab's, or the lab is up
 * and the file says something else.
 */
int lab_up(const struct lab_file *f, const struct up_options *o, const struct apply_hooks *hooks,
	   struct apply_timing *timing, enum up_result *ret, struct err *e);

/*
 * lab_down - remove what lab @name has made, and its record.
 * -ENOENT: there is no such lab.
 */
int lab_down(const char *name, const struct apply_hooks *hooks, struct err *e);

#endif
