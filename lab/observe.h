/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is there of what a plan wants: the kernel is asked, and the tunnels' processes.
 *
 * Theory of operation.  Namespace by namespace, one of some helper threads enters it and takes down its links,
 * addresses and routes, the values of the settings that the plan has for it, whether its NAPT rules
 * are those of the plan, and what its tunnels say.  A namespace counts as the lab's only if it is the
 * one that the journal records, by its cookie.  Nothing is changed, and nothing is decided here:
 * lab/diff.h does that.
 */
#ifndef WARREN_LAB_OBSERVE_H
#define WARREN_LAB_OBSERVE_H

#include "base/table.h"
#include "lab/journal.h"
#include "lab/plan.h"
#include "lab/store.h"
#include "nat/rules.h"
#include "wg/device.h"

/* a namespace of the plan */
struct ns_seen {
	bool looked; /* false: not asked for */
	bool taken;  /* there is one of its name … */
	bool ours; /* … and it is the one that the journal records; the rest is about that one */
	uint64_t cookie;
	struct netns_seen net;
	struct table by_name; /* from a link's name to its place in net.links */
};

/* a tunnel of the plan */
struct tunnel_seen {
	bool answers; /* config holds what it says; else why does */
	char why[160];
	struct wg_config config;
};

/* what an operation of the plan is about */
struct op_seen {
	const char *value;   /* OP_SYSCTL: what it is set to; NULL: there is no such setting */
	bool there;          /* OP_FILE, OP_RUN: recorded and there */
	bool same;           /* OP_FILE: with just this text; OP_RUN: and it still runs */
	enum nat_state napt; /* OP_NAPT */
};

#define OBSERVE_THREADS 4

struct observed {
	struct arena *arenas[OBSERVE_THREADS];
	struct ns_seen *ns;          /* as plan.ns */
	struct tunnel_seen *tunnels; /* as plan.tunnels */
	struct op_seen *ops;         /* as plan.ops */
	const struct plan *plan;
	/* from the texts of the journal's live records to their numbers */
	struct table netns, processes, files, folders, programs;
};

/*
 * observe - look at what @p is about.  @only: an entry for each namespace of the plan, those that
 * are false are left out; NULL: all.  *@ret borrows from @p and @j and is freed with observed_free().
 * Acts in the namespaces of the plan, in helper threads.  Blocks on the kernel and the tunnels'
 * processes.
 */
int observe(const struct plan *p, const struct journal *j, const struct store *s, const bool *only,
	    struct observed *ret, struct err *e);
void observed_free(struct observed *o);

/* seen_link - a link of namespace @ns by its name; NULL: not there. */
const struct link_seen *seen_link(const struct observed *o, size_t ns, const char *name);

/* journal_find - the number of the live record of one of the tables above; 0: there is none. */
unsigned int journal_find(const struct table *t, const char *text);

#endif
