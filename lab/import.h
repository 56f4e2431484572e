/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From profiles to a topology: the networks that existing wg-quick files describe.
 *
 * Theory of operation.  Each file is one end of tunnels.  By its content it becomes one of two
 * things:
 *
 *   a tenant	what waits to be called: ListenPort, and at least one [Peer] without Endpoint.
 *		Tenants are collected on a gateway; on another one where two have the same port.
 *		An Address of theirs becomes one of the gateway, which their peers reach by way of
 *		NAPT as they did before.
 *   a host	everything else, with that one tunnel.  So does a file whose peers have AllowedIPs
 *		that overlap: WireGuard sends to the longest prefix, a tenant may not have that.
 *
 * Where a peer's public key belongs to the private key of another file, the two are joined by a
 * reference.  All hosts are on one segment; who is called by a numeric address has it there, so
 * that Endpoints stay as they are.  What cannot be said in a topology is a comment in its place and
 * a warning.  At last the text is loaded: what is handed out is valid.
 */
#ifndef WARREN_LAB_IMPORT_H
#define WARREN_LAB_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/err.h"
#include "wg/profile.h"

#define IMPORT_FILES_MAX 10000

struct import_file {
	const char *path; /* names things, and is shown in comments; any bytes */
	const struct profile *profile;
};

enum import_keys {
	IMPORT_KEYS_LEFT_OUT, /* warren makes new ones */
	IMPORT_KEYS_INLINE,   /* in the text */
	IMPORT_KEYS_FILES,    /* in files that the text names, in a folder beside it */
};

struct import_options {
	const char *name; /* the lab's, see name_is_lab() */
	enum import_keys keys;
};

/* IMPORT_KEYS_FILES: a file to be written */
struct import_key {
	const char *path; /* relative to the topology file: "LAB.keys/NAME.key" */
	const uint8_t *key;
};

struct import_result {
	char *text; /* the topology, NUL-terminated */
	size_t len;
	struct diags *warnings; /* for each file, in its order */
	size_t n_files;
	struct import_key *keys; /* borrows from the profiles */
	size_t n_keys;
	size_t n_hosts, n_tenants, n_joined; /* gateways are hosts; tunnels with both ends */
	struct arena *arena;                 /* of paths and the like */
};

/*
 * import_make - a topology of @n profiles.  Pure.
 * *@ret is for import_free(), whatever is returned.  Returns 0; -E2BIG, kind ERR_INVALID: it would be
 * larger than a topology may be; -ENOMEM.
 */
int import_make(const struct import_file *files, size_t n, const struct import_options *o,
		struct import_result *ret, struct err *e);
void import_free(struct import_result *r);

#endif
