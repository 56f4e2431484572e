/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: which port and addresses a tenant got from the gateway's pools.
 *
 * Theory of operation.  A file that leaves ports and addresses to pools does not say who gets which.
 * Given out in the order of the file they would all shift when the first tenant goes.  So what was given
 * is written down, one tenant a line, in /var/lib/warren/LAB/leases, and given again as long as it is in
 * the pool and nobody else claims it; tenants without a lease get what is left, in the file's order.
 *
 *	HOST TENANT PORT|- ADDRESS[,ADDRESS]|-
 */
#ifndef WARREN_LAB_LEASE_H
#define WARREN_LAB_LEASE_H

#include "base/table.h"
#include "lab/model.h"

struct lease {
	uint16_t port;               /* 0: none */
	struct ip_addr addresses[2]; /* IPv4, IPv6; AF_UNSPEC: none */
};

struct leases;

/* leases_read - @text as leases_write() made it; lines that make no sense are passed over.  NULL:
 * memory is short.  Freed with leases_free(). */
struct leases *leases_read(const char *text);
void leases_free(struct leases *l);

/* leases_find - of tenant @tenant of host @host; NULL: it has none.  @l may be NULL. */
const struct lease *leases_find(const struct leases *l, const char *host, const char *tenant);

/* leases_write - what the pools of @t gave, as text that the caller frees; "" where there are no
 * pools.  NULL: memory is short. */
char *leases_write(const struct topology *t);

/* topology_has_leases - does a tenant of @t have something from a pool? */
bool topology_has_leases(const struct topology *t);

#endif
