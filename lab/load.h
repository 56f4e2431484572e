/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a topology: of one file, or of a folder (lab/bundle.h).
 */
#ifndef WARREN_LAB_LOAD_H
#define WARREN_LAB_LOAD_H

#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/err.h"
#include "lab/model.h"

#define LAB_FILE_MAX ((size_t)8 * 1024 * 1024) /* bytes of a topology, all its files together */

/*
 * topology_load - read, check and expand @text (@len bytes, as read by bundle_read()).
 * @dir: folder, as an absolute path, that relative paths in the file (private_key_file …) start
 * from.
 * Pure: touches nothing but memory; key files are read when the lab is applied.
 * Returns 0 with *@ret, to be freed with topology_free(); or -EINVAL with at least one
 * entry in @diags; or -ENOMEM.  @diags is initialised here and freed with diags_free().
 */
int topology_load(const char *text, size_t len, const char *dir, struct topology **ret,
		  struct diags *diags, struct err *e);

/* topology_load_leased - the same; pools give again what @leases (lab/lease.h; a text) says they gave. */
int topology_load_leased(const char *text, size_t len, const char *dir, const char *leases,
			 struct topology **ret, struct diags *diags, struct err *e);

/*
 * topology_load_as - the same, with the path that @text was read from, as it is to be @shown: the
 * files of a folder are named from there on ("lab" gives "lab/tenants.d/c17.yaml").  NULL: from
 * the folder on.
 */
int topology_load_as(const char *shown, const char *text, size_t len, const char *dir,
		     const char *leases, struct topology **ret, struct diags *diags, struct err *e);

/* topology_free - NULL is allowed. */
void topology_free(struct topology *t);

enum secrets { SECRETS_MASKED, SECRETS_SHOWN };

/*
 * topology_print - the model as YAML, expanded: no ranges, pools, short forms or defaults
 * left, keys in a fixed order.  What it prints loads again to the same model, when the
 * secrets are shown.  Two files mean the same when their prints are equal.
 */
void topology_print(const struct topology *t, enum secrets secrets, FILE *out);

/*
 * topology_print_part - what the model says of one tenant; or, where @tenant is NULL, of one host
 * without its tenants; or, where @host is NULL too, of the segments.  With the secrets.
 */
void topology_print_part(const struct topology *t, const struct host *host,
			 const struct tenant *tenant, FILE *out);

#endif
