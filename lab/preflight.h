/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Can this machine do it?  Asked before anything is made, when something could not be made, and by
 * `warren doctor`.
 */
#ifndef WARREN_LAB_PREFLIGHT_H
#define WARREN_LAB_PREFLIGHT_H

#include <stdbool.h>

#include "base/err.h"
#include "lab/plan.h"

/* preflight_privilege - CAP_NET_ADMIN and CAP_SYS_ADMIN.  -EPERM, kind ERR_CANNOT. */
int preflight_privilege(struct err *e);

/* preflight_links - can a bridge, a veth pair and a port isolation be made?  Tried in a
 * throw-away namespace. */
int preflight_links(struct err *e);

/* preflight_nat - nf_tables, NAT and conntrack, likewise. */
int preflight_nat(struct err *e);

/*
 * preflight_backend - which backend to use where @wanted is BACKEND_AUTO, or whether the one
 * wanted can be used.  The kernel's is tried first.  -EOPNOTSUPP or -ENOENT, kind ERR_CANNOT.
 */
int preflight_backend(enum backend wanted, enum backend *ret, struct err *e);

/*
 * preflight_topology - can this machine do what @t asks for, as far as that can be known without
 * disturbing it?  *@ret: the backend.  Links and NAPT are tried in host mode only (@only), where
 * what is made first is the machine's own: a throw-away namespace keeps the kernel's link lock for
 * tens of milliseconds when it goes.  Elsewhere preflight_explain() looks when something failed.
 */
int preflight_topology(const struct topology *t, const struct host *only, enum backend wanted,
		       enum backend *ret, struct err *e);

/*
 * preflight_explain - @t could not be made: is it because this kernel lacks something?  Then *@e
 * says so instead, kind ERR_CANNOT; else it stays as it is.
 */
void preflight_explain(const struct topology *t, const struct host *only, struct err *e);

/* topology_tunnels - how many WireGuard interfaces @t asks for; @only: on this host, NULL: on all. */
size_t topology_tunnels(const struct topology *t, const struct host *only);

/* backend_name - "auto", "kernel", "userspace", "none"; backend_parse - the reverse or -EINVAL. */
const char *backend_name(enum backend b);
int backend_parse(const char *s, enum backend *ret);

#endif
