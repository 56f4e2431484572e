/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ceilings: limits of the machine that a large lab would meet, computed beforehand and named with
 * numbers.
 *
 * What cannot work is an error.  What works until there is traffic (neighbours, sessions) or until the
 * machine is short of memory is a note: the limits of a running kernel are the operator's to set.
 */
#ifndef WARREN_LAB_CEILINGS_H
#define WARREN_LAB_CEILINGS_H

#include "base/err.h"
#include "lab/plan.h"

/* what a lab needs */
struct demand {
	size_t namespaces;
	size_t tenants;
	size_t tenants_v6; /* of them, with an IPv6 address */
	size_t processes;  /* wireguard-go */
	size_t limited;    /* tenants with `limits: {sessions}` … */
	uint64_t sessions; /* … which are these together */
};

/* demand_of - what @t needs with tunnels of @backend; @only: host mode, or NULL. */
void demand_of(const struct topology *t, const struct host *only, enum backend backend,
	       struct demand *ret);

/*
 * ceilings_check - are the limits below @proc ("/proc") high enough for @d?  A limit that cannot be
 * read, in a container, say, counts as high enough.
 * @note: called with a line for each that will be met later; may be NULL.
 * -EMFILE, kind ERR_CANNOT: the first that makes it impossible, and the command that raises it.
 */
int ceilings_check(const char *proc, const struct demand *d,
		   void (*note)(const char *text, void *arg), void *arg, struct err *e);

#endif
