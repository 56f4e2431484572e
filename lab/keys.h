/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that the topology file does not have: read from the files it names, or
 * made and kept (0600) in /var/lib/warren/LAB/, so that a lab keeps its keys
 * from one run to the next.
 */
#ifndef WARREN_LAB_KEYS_H
#define WARREN_LAB_KEYS_H

#include <limits.h>

#include "base/err.h"
#include "lab/model.h"

enum keys_make {
	KEYS_MAKE, /* a missing key is made and kept */
	KEYS_FIND, /* a missing key stays missing: for status and the like */
};

/*
 * keys_resolve - fill in every private key that is missing in @t, then the public keys of
 * peers that are named by reference, and preshared keys kept in files.
 * @only: host mode: this host's keys alone are read or made; NULL: all.
 * -ENOKEY: a peer's key cannot be known here (host mode, and it is not in the file).
 */
int keys_resolve(struct topology *t, const struct host *only, enum keys_make make, struct err *e);

/*
 * keys_remember - the public keys of all peers that @t names by reference, a line each, in the order
 * of the file: what keys_recall() needs when the keys themselves have been replaced since.
 * Returns a text that the caller frees; NULL: memory is short.
 */
char *keys_remember(const struct topology *t);

/*
 * keys_recall - like keys_resolve() with KEYS_FIND, with the keys of peers as @peers remembers them.
 */
int keys_recall(struct topology *t, const struct host *only, const char *peers, struct err *e);

/* keys_path - where the key of @host's tunnel or tenant @name is kept; returns @buf. */
const char *keys_path(const char *lab, const char *host, const char *name,
		      char buf[static PATH_MAX]);

/* keys_keep - the private key at @path, which is made (0600) with its folder where it is missing. */
int keys_keep(const char *path, struct key *ret, struct err *e);

/*
 * keys_replace - put a new private key in the place of the one at @path: atomically, mode 0600, by the
 * same owner, behind a symbolic link if it is one; made where it is missing.
 * @old: where the former key is kept, 0600, in the place of what is there; NULL: nowhere.
 */
int keys_replace(const char *path, const char *old, struct key *ret, struct err *e);

/* keys_write - write @key to @path (0600), in the place of what is there, making its folder. */
int keys_write(const char *path, const struct key *key, struct err *e);

/* keys_read - the key in file @path; kind ERR_INVALID where there is something else in it. */
int keys_read(const char *path, struct key *ret, struct err *e);

/* keys_preshared - the preshared key of @p, read from its file if it is in one; it may have none. */
int keys_preshared(const struct peer *p, struct key *ret, struct err *e);

#endif
