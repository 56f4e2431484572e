/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose configuration is it: the names that `warren config` is given, looked up in the model.
 */
#ifndef WARREN_LAB_CONFIG_FIND_H
#define WARREN_LAB_CONFIG_FIND_H

#include "base/err.h"
#include "lab/model.h"

/* one of tunnel and tenant */
struct config_place {
	const struct host *host;
	const struct tunnel *tunnel;
	const struct tenant *tenant;
};

/* the other end of a tenant's tunnel */
struct config_client {
	const struct peer *peer;     /* the tenant's, never NULL */
	const struct tunnel *tunnel; /* the same end as a tunnel of the file; NULL: it is none */
	const struct tenant *tenant; /* or as a tenant of another gateway */
	const struct peer *back;     /* of these, the peer that is the first end; NULL: none */
};

/* config_find - @name is HOST/IF, HOST/TENANT, or TENANT.  -ENOENT, -EINVAL: kind ERR_INVALID. */
int config_find(const struct topology *t, const char *name, struct config_place *ret,
		struct err *e);

/*
 * config_find_client - a peer of the tenant at @at, by its name, reference or public key; NULL:
 * the only one there is.  -ENOENT, -EINVAL: kind ERR_INVALID.
 */
int config_find_client(const struct topology *t, const struct config_place *at, const char *peer,
		       struct config_client *ret, struct err *e);

/* config_peer_name - its name, or its reference, or its key; NULL: no memory. */
const char *config_peer_name(const struct topology *t, const struct peer *p, struct arena *a);

#endif
