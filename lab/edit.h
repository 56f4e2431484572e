/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing a topology file's tenants as text: what is not changed stays as it is, byte for byte.
 *
 * Theory of operation.  The text is read into a tree that knows its bytes (lab/edit_tree.h); the
 * place is looked up in it, hosts.HOST.gateway.tenants.NAME; the change is at most a few bytes
 * taken out or put in there, with the indentation, the line breaks and the style (lines, or
 * braces) of what stands around.  Then the result is read again and compared with the first tree:
 * apart from the entry itself the two have to say the same.  What fails that, and what stands in
 * an alias or below an anchor that is used elsewhere, so that more than the one place would
 * change, is refused.
 *
 * In a folder's tenants.d (lab/bundle.h) a file's own mapping is the tenants: there @host is NULL.
 *
 * Whether the result is a topology, and what it means, is not looked at here: topology_load()
 * does that.  All of this is pure.
 */
#ifndef WARREN_LAB_EDIT_H
#define WARREN_LAB_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* the file that is changed */
struct edit_source {
	const char *name; /* for messages: NAME:LINE:COLUMN: ... */
	const char *text;
	size_t len;
};

struct edit_strings {
	const char *const *v;
	size_t n;
};

/* what a new tenant has; NULL, and a list without anything: is not written */
struct edit_tenant {
	const char *name;
	const char *private_key, *private_key_file;
	const char *listen_port;
	struct edit_strings napt_addresses, dns;
	struct edit_strings label_keys, label_values; /* as many of the one as of the other */
	struct {
		const char *public_key; /* NULL: no peer */
		const char *name, *preshared_key_file, *endpoint, *keepalive;
		struct edit_strings allowed_ips;
	} peer;
};

/* the text that comes of it; owned by the caller */
struct edited {
	char *text; /* NUL appended */
	size_t len;
};

/*
 * edit_add - append a tenant to the gateway of @host, which is not NULL.
 * -EEXIST: there is one of that name.  -ENOENT: no such host, or no gateway.  -EOPNOTSUPP: it is
 * written in a way that this cannot change.  -EINVAL: not YAML.  All of kind ERR_INVALID, with
 * the place.
 */
int edit_add(const struct edit_source *src, const char *host, const struct edit_tenant *t,
	     struct edited *ret, struct err *e);

/*
 * edit_remove - take a tenant out, with its comments: those of the lines directly above, of the same
 * indentation, and those behind and below it that are indented more.  The last one leaves `{}`; that
 * of a file of tenants.d leaves nothing at all (ret->len is 0): the file can go.
 * The first or last of a range shrinks the range; -ERANGE: it is in the middle of one.
 * Else as edit_add().
 */
int edit_remove(const struct edit_source *src, const char *host, const char *tenant,
		struct edited *ret, struct err *e);

/*
 * edit_set - give a tenant's key @field ("private_key", ...) the value @value: in the place of the
 * one that it has, between the same quotes, or appended.
 * -ERANGE: the tenant comes from a range.  Else as edit_add().
 */
int edit_set(const struct edit_source *src, const char *host, const char *tenant, const char *field,
	     const char *value, struct edited *ret, struct err *e);

/*
 * edit_mask - a copy of the text, of the same length and with the same lines, in which every secret
 * is asterisks: the values of private_key, preshared_key and secret, and in comments whatever looks
 * like a key and is not called public_key.  The caller frees it; NULL: out of memory.
 */
char *edit_mask(const struct edit_source *src);

#endif
