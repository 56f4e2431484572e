/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the model to a profile: what one end of a tunnel is configured with.
 *
 * Theory of operation.  There are two kinds.  A host's tunnel gets its own configuration, all of
 * which is in the model.  A tenant gets its customer's: the other end of the tenant's tunnel,
 * of which the model may have all (the peer is a host's tunnel of the same file, by reference or
 * by its key) or next to nothing (a public key).  What it does not have is taken from the tenant's
 * side where that implies it, and else left to be filled in: a comment in its place, and a warning.
 */
#ifndef WARREN_LAB_CONFIG_H
#define WARREN_LAB_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "lab/model.h"
#include "wg/profile.h"

#define CONFIG_WARNINGS_MAX 4
#define CONFIG_MTU          1420 /* bytes; what is not said is this, here and with wg-quick */

struct config_options {
	const char *name; /* HOST/IF, TENANT or HOST/TENANT */
	const char *peer; /* of a tenant: its name, reference or public key; NULL: the only one */
	/* a tenant's endpoint, in place of the gateway's address: HOST or HOST:PORT; NULL: none */
	const char *endpoint;
};

struct config {
	struct profile *profile;                   /* owned; borrows names from the topology */
	const char *warnings[CONFIG_WARNINGS_MAX]; /* what is left to be filled in */
	size_t n_warnings;
};

/*
 * config_make - the configuration of @o->name in @t, whose keys have been looked for
 * (keys_resolve()).  Reads the key files that the topology names, and nothing else.
 * *@ret is for config_free(), whatever is returned.
 * -ENOENT, -EINVAL (kind ERR_INVALID): there is no such thing, or more than one.
 * -ENOKEY (kind ERR_CANNOT): the public key of the other end is not known here.
 */
int config_make(const struct topology *t, const struct config_options *o, struct config *ret,
		struct err *e);
void config_free(struct config *c);

#endif
