/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that the topology file does not have: read from the files it names, or
 * made and kept (0600) in /var/lib/warren/LAB/, so that a lab keeps its keys
 * from one run to the next.
 */
#ifndef WARREN_LAB_KEYS_H
#define WARREN_LAB_KEYS_H

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

#endif
