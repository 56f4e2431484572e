/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where hosts.HOST.gateway.tenants.NAME stands in a file.
 */
#ifndef WARREN_LAB_EDIT_FIND_H
#define WARREN_LAB_EDIT_FIND_H

#include "lab/edit.h"
#include "lab/edit_tree.h"
#include "lab/expand.h"

/* what an edit works on */
struct edit_doc {
	const struct edit_source *src;
	struct text t;
	struct arena *arena; /* owned */
	struct mark *top;
};

/* edit_doc_read - the tree of @src.  edit_doc_clear() in any case. */
int edit_doc_read(const struct edit_source *src, struct edit_doc *ret, struct err *e);
void edit_doc_clear(struct edit_doc *d);

/* a gateway, and one of its tenants; keys have their values behind them (mark.next) */
struct edit_found {
	struct mark *gateway; /* key; NULL: in another file */
	struct mark *tenants; /* key; NULL: none */
	struct mark *tenant;  /* key; NULL: there is none of that name */
	struct range range;   /* of the tenant's key */
	int64_t number;       /* the tenant's in the range */
};

/*
 * edit_find - look up @host's gateway and its tenant @tenant.  @host NULL: the whole file is tenants,
 * and there is no gateway; tenants is a key of no bytes then.
 * -ENOENT: no such host, or no gateway; that there is no such tenant is no error.
 * -EOPNOTSUPP: the host comes from a range, or something on the way is an alias, or has an anchor
 * that an alias elsewhere means.
 */
int edit_find(const struct edit_doc *d, const char *host, const char *tenant,
	      struct edit_found *ret, struct err *e);

/* edit_fail - an error at byte @at of the file, of kind ERR_INVALID: NAME:LINE:COLUMN: ... */
int edit_fail(const struct edit_doc *d, size_t at, struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* edit_alone - -EOPNOTSUPP where @value is an alias, or has an anchor that is used elsewhere. */
int edit_alone(const struct edit_doc *d, const struct mark *value, struct err *e);

#endif
