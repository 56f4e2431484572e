/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inbound ports: from an address that the tenant has, and each once */
#include "lab/resolve.h"

#define FORWARDS_MAX 256 /* of a tenant: each is held against each */

static bool overlap(const struct forward *a, const struct forward *b)
{
	return a->to.family == b->to.family && ((a->tcp && b->tcp) || (a->udp && b->udp)) &&
	       a->port_first <= b->port_last && b->port_first <= a->port_last;
}

static bool has_family(const struct tenant *t, int family)
{
	for (size_t i = 0; i < t->napt_addresses.n; i++)
		if (t->napt_addresses.v[i].addr.family == family)
			return true;
	return false;
}

static void check_forward(struct resolving *r, const struct tenant *t, size_t at)
{
	const struct forward *f = &t->forwards[at];
	char to[INET6_ADDRSTRLEN];

	/* said already */
	if (!f->port_first || !f->to.family)
		return;
	if (!has_family(t, f->to.family))
		diag(r->ld, f->src,
		     "tenant `%s` has no %s address to be forwarded to %s from (add one to its "
		     "`napt_addresses`)",
		     show(t->name).s, f->to.family == AF_INET ? "IPv4" : "IPv6",
		     ip_addr_format(&f->to, to));
	for (size_t i = 0; i < at; i++) {
		if (!overlap(f, &t->forwards[i]))
			continue;
		diag(r->ld, f->src, "port %u is forwarded twice (%s has it)",
		     f->port_first > t->forwards[i].port_first ? f->port_first
							       : t->forwards[i].port_first,
		     where(r->ld, f->src, &t->forwards[i].src).s);
		return;
	}
}

static void check_forwards(struct resolving *r, const struct tenant *t)
{
	if (t->n_forwards > FORWARDS_MAX)
		diag(r->ld, t->forwards[FORWARDS_MAX].src,
		     "a tenant has %d forwards at most (a range of ports is one)", FORWARDS_MAX);
	for (size_t k = 0; k < t->n_forwards && k < FORWARDS_MAX; k++)
		check_forward(r, t, k);
}

void resolve_forwards(struct resolving *r)
{
	for (size_t h = 0; h < r->t->n_hosts && !r->ld->stop; h++) {
		const struct gateway *g = r->t->hosts[h].gateway;

		for (size_t i = 0; g && i < g->n_tenants; i++)
			check_forwards(r, &g->tenants[i]);
	}
}
