/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `warren conntrack`: what its verbs share.
 */
#ifndef WARREN_CMD_CONNTRACK_H
#define WARREN_CMD_CONNTRACK_H

#include <jansson.h>

#include "cmd/cmd.h"
#include "lab/lab.h"
#include "nat/ct_filter.h"
#include "nat/ct_top.h"

/* one run */
struct ct_view {
	struct cmd *c;
	const struct lab *l;
	const char *word;              /* what stands after LAB; NULL: nothing */
	const struct tenant **tenants; /* those that are meant, in the file's order */
	size_t n_tenants;
	struct ct_filter filter;
	bool has_sort;
	enum ct_order sort;
	size_t top;     /* 0: all */
	int buffer;     /* of watch: bytes that the kernel may keep for it */
	size_t n_blind; /* entries that --min-bytes, --older or --sort could not judge */
};

/*
 * ct_view_filter - the filters among the options of @v->c, and --sort and --top.
 * @orders: "bytes|packets": what it can be sorted by, the first of them unless said.
 * Returns 0, or STATUS_USAGE, said.
 */
int ct_view_filter(struct ct_view *v, const char *orders);

/* ct_view_socket - a conntrack socket in the namespace of @t.  The caller closes it; or -errno. */
int ct_view_socket(const struct ct_view *v, const struct tenant *t, struct err *e);

/*
 * ct_view_each - call @fn for every entry of tenant @t that matches.  A namespace without entries is
 * not dumped.  Blocks.  Returns 0, or what @fn returned if negative, or -errno.
 */
typedef int ct_view_fn(struct ct_view *v, const struct tenant *t, const struct ct_entry *ct,
		       void *arg, struct err *e);
int ct_view_each(struct ct_view *v, const struct tenant *t, ct_view_fn *fn, void *arg,
		 struct err *e);

/* ct_view_notes - says on stderr, of v->n_blind sessions, what the kernel did not note, and how that is
 * mended.  @what: became of them: "left out". */
void ct_view_notes(const struct ct_view *v, const char *what);

/* ct_entry_json - an entry as CONTRACT of `conntrack list --json` has it; NULL: no memory. */
json_t *ct_entry_json(const struct ct_view *v, const struct tenant *t, const struct ct_entry *ct);

/* the verbs; each returns the exit status */
int conntrack_list(struct ct_view *v);
int conntrack_count(struct ct_view *v);
int conntrack_stats(struct ct_view *v);
int conntrack_who(struct ct_view *v);
int conntrack_flush(struct ct_view *v);
int conntrack_watch(struct ct_view *v);

#endif
