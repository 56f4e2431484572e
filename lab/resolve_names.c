/* SPDX-License-Identifier: GPL-2.0-or-later */
/* who is called what: hosts, tenants, namespaces, and the kernel's names of interfaces */
#include <stdio.h>
#include <string.h>

#include "lab/names.h"
#include "lab/resolve.h"

#define PROBES_MAX 64

/* enter @ifn under both of its names; the short one is the @probe-th.  False: that one is taken. */
static bool enter_kernel_name(struct resolving *r, struct ifname *ifn, size_t host, size_t tenant,
			      unsigned int probe)
{
	name_shorten(ifn->full, probe, ifn->name);
	return index_add(r, SPACE_IF_KERNEL, host, tenant, ifn->name, strlen(ifn->name),
			 (size_t)(uintptr_t)ifn, NULL);
}

static void enter_interface(struct resolving *r, struct ifname *ifn, struct src src, size_t host,
			    size_t tenant, bool long_ones)
{
	unsigned int probe = 0;

	if ((strlen(ifn->full) > IF_NAME_MAX) != long_ones)
		return;
	if (!index_add(r, SPACE_IF_FULL, host, tenant, ifn->full, strlen(ifn->full),
		       (size_t)(uintptr_t)ifn, NULL)) {
		diag(r->ld, src, "interface `%s` is there twice on host `%s` (rename one)",
		     show(ifn->full).s, show(r->t->hosts[host].name).s);
		return;
	}
	while (!enter_kernel_name(r, ifn, host, tenant, probe))
		if (!long_ones || ++probe == PROBES_MAX) {
			diag(r->ld, src, "no interface name is left for `%s` (rename it)",
			     show(ifn->full).s);
			return;
		}
}

/* names that fit keep what they are called: the long ones come second, and step aside */
static void name_interfaces(struct resolving *r, size_t host, bool long_ones)
{
	struct host *h = &r->t->hosts[host];
	struct gateway *g = h->gateway;

	for (size_t i = 0; i < h->n_attachments; i++)
		enter_interface(r, &h->attachments[i].ifname, h->attachments[i].src, host,
				NOT_A_TENANT, long_ones);
	for (size_t i = 0; i < h->n_bridges; i++)
		enter_interface(r, &h->bridges[i].ifname, h->bridges[i].src, host, NOT_A_TENANT,
				long_ones);
	for (size_t i = 0; i < h->n_tunnels; i++)
		enter_interface(r, &h->tunnels[i].ifname, h->tunnels[i].src, host, NOT_A_TENANT,
				long_ones);
	for (size_t i = 0; g && i < g->n_tenants && !r->ld->stop; i++) {
		struct tenant *t = &g->tenants[i];

		enter_interface(r, &t->bridge_if, t->src, host, NOT_A_TENANT, long_ones);
		enter_interface(r, &t->tunnel_if, t->src, host, i, long_ones);
		enter_interface(r, &t->outside_if, t->src, host, i, long_ones);
	}
}

static void enter_netns(struct resolving *r, const char *netns, const struct src *src)
{
	size_t old;

	if (!index_add(r, SPACE_NETNS, 0, 0, netns, strlen(netns), src_value(src), &old)) {
		if (old)
			diag(r->ld, *src,
			     "namespace `%s` is there twice (%s has it; give one another "
			     "`netns`)",
			     show(netns).s, where(r->ld, *src, src_from(old)).s);
		else
			diag(r->ld, *src,
			     "namespace `%s` is the one of the lab's networks (give another `netns`)",
			     show(netns).s);
	}
}

static void enter_tenant(struct resolving *r, size_t host, size_t tenant)
{
	const struct tenant *t = &r->t->hosts[host].gateway->tenants[tenant];
	struct tenant_place *v =
		arena_grow(r->ld->work, r->tenants, r->n_tenants, sizeof(*r->tenants));
	size_t len = strlen(t->name), old;

	if (!v) {
		too_big(r->ld, t->src);
		return;
	}
	r->tenants = v;
	r->tenants[r->n_tenants] = (struct tenant_place){.host = host, .tenant = tenant};
	enter_netns(r, t->netns, &t->src);
	index_add(r, SPACE_TENANT, host, 0, t->name, len, tenant, NULL);
	if (!index_add(r, SPACE_ANYTENANT, 0, 0, t->name, len, r->n_tenants, &old) &&
	    old != AMBIGUOUS)
		index_replace(r, SPACE_ANYTENANT, 0, 0, t->name, len, AMBIGUOUS);
	r->n_tenants++;
}

static void enter_host(struct resolving *r, size_t i)
{
	const struct host *h = &r->t->hosts[i];

	index_add(r, SPACE_HOST, 0, 0, h->name, strlen(h->name), i, NULL);
	enter_netns(r, h->netns, &h->src);
	for (size_t k = 0; k < h->n_bridges; k++)
		index_add(r, SPACE_BRIDGE, i, 0, h->bridges[k].ifname.full,
			  strlen(h->bridges[k].ifname.full), k, NULL);
	for (size_t k = 0; k < h->n_tunnels; k++)
		index_add(r, SPACE_TUNNEL, i, 0, h->tunnels[k].ifname.full,
			  strlen(h->tunnels[k].ifname.full), k, NULL);
	for (size_t k = 0; h->gateway && k < h->gateway->n_tenants && !r->ld->stop; k++)
		enter_tenant(r, i, k);
	name_interfaces(r, i, false);
	name_interfaces(r, i, true);
}

void resolve_names(struct resolving *r)
{
	const struct topology *t = r->t;
	char networks[LAB_NAME_MAX + sizeof("-networks")];

	/* where the bridges of the segments are */
	if (t->name && t->n_networks) {
		snprintf(networks, sizeof(networks), "%s-networks", t->name);
		index_add(r, SPACE_NETNS, 0, 0, networks, strlen(networks), 0, NULL);
	}
	for (size_t i = 0; i < t->n_networks && !r->ld->stop; i++)
		index_add(r, SPACE_NETWORK, 0, 0, t->networks[i].name, strlen(t->networks[i].name),
			  i, NULL);
	for (size_t i = 0; i < t->n_hosts && !r->ld->stop; i++)
		enter_host(r, i);
}
