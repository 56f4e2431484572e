/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bridges of a gateway that has more tenants than a bridge has ports (lab/plan.h). */
#include <string.h>

#include "lab/names.h"
#include "lab/plan_build.h"

/* how many tenants the file's own bridge carries */
static size_t on_own(size_t n)
{
	const size_t uplinks = BRIDGE_PORTS - BRIDGE_TENANTS;

	if (n <= BRIDGE_TENANTS)
		return n;
	return n - BRIDGE_TENANTS <= uplinks * BRIDGE_UPLINKED ? BRIDGE_TENANTS : 0;
}

static bool is_taken(const struct build *b, size_t h, const char *name)
{
	const struct host *host = &b->p->topology->hosts[h];
	const struct build_host *bh = &b->hosts[h];

	for (size_t i = 0; i < bh->n_ifs; i++)
		if (!strcmp(bh->ifs[i].name, name))
			return true;
	for (size_t i = 0; i < host->n_tunnels; i++)
		if (!strcmp(host->tunnels[i].ifname.name, name))
			return true;
	return false;
}

/* "br-internal+1", "br-internal+1up": which no interface of the file is called */
static struct ifname *extra_name(struct build *b, size_t h, const char *bridge, size_t i,
				 const char *end)
{
	struct ifname *name = arena_alloc(b->p->arena, sizeof(*name));
	unsigned int probe = 0;

	if (name)
		name->full = arena_printf(b->p->arena, "%s+%zu%s", bridge, i, end);
	if (!name || !name->full) {
		static struct ifname nowhere = {.full = ""};

		b->no_memory = true;
		return &nowhere;
	}
	do
		name_shorten(name->full, probe, name->name);
	while (is_taken(b, h, name->name) && ++probe < 100);
	return name;
}

/* one further bridge, and the pair that joins it to the file's own */
static void extra_bridge(struct build *b, size_t h, const struct bridge *own, size_t i)
{
	struct build_host *bh = &b->hosts[h];
	const struct ifname *name = extra_name(b, h, own->ifname.full, i, "");
	struct veth_ends v = {.ns = bh->ns,
			      .peer_ns = bh->ns,
			      .ifname = extra_name(b, h, own->ifname.full, i, "dn"),
			      .peer = extra_name(b, h, own->ifname.full, i, "up"),
			      .mtu = own->mtu};
	struct known_if *bridge = &bh->tenant_bridges[i];
	struct op *op = build_op(b, OP_BRIDGE, bh->ns);

	op->ifname = name->name;
	op->index = build_index(b, bh->ns);
	op->bridge.full = name->full;
	op->bridge.mtu = own->mtu;
	*bridge = (struct known_if){name->name, op->index};
	v.index = build_index(b, bh->ns);
	v.peer_index = build_index(b, bh->ns);
	build_veth(b, &v);
	build_port(b, bh->ns, v.ifname, v.index, &bh->tenant_bridges[0], true);
	build_port(b, bh->ns, v.peer, v.peer_index, bridge, false);
}

void build_tenant_bridges(struct build *b, size_t h)
{
	const struct host *host = &b->p->topology->hosts[h];
	struct build_host *bh = &b->hosts[h];
	const struct bridge *own;
	size_t n, rest;

	if (!host->gateway)
		return;
	own = &host->bridges[host->gateway->bridge];
	n = host->gateway->n_tenants;
	rest = n - on_own(n);
	bh->n_tenant_bridges = 1 + (rest + BRIDGE_UPLINKED - 1) / BRIDGE_UPLINKED;
	bh->tenant_bridges =
		arena_alloc(b->p->arena, bh->n_tenant_bridges * sizeof(*bh->tenant_bridges));
	if (!bh->tenant_bridges) {
		b->no_memory = true;
		return;
	}
	bh->tenant_bridges[0] = build_find_if(b, h, own->ifname.name);
	for (size_t i = 1; i < bh->n_tenant_bridges; i++)
		extra_bridge(b, h, own, i);
}

const struct known_if *build_tenant_bridge(const struct build *b, size_t h, size_t i)
{
	const struct build_host *bh = &b->hosts[h];
	size_t own = on_own(b->p->topology->hosts[h].gateway->n_tenants);

	return &bh->tenant_bridges[i < own ? 0 : 1 + (i - own) / BRIDGE_UPLINKED];
}

/* when they have all their ports, and before the file's own, which has theirs */
void raise_tenant_bridges(struct build *b, size_t h)
{
	struct build_host *bh = &b->hosts[h];

	for (size_t i = 1; i < bh->n_tenant_bridges; i++)
		build_link_up(b, bh->ns, bh->tenant_bridges[i].name, bh->tenant_bridges[i].index, 0,
			      false);
}
