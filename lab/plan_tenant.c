/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the plan that makes a gateway's tenants. */
#include <string.h>

#include "lab/plan_build.h"

static void add_default_route(struct build *b, size_t ns, const struct plan_tunnel *k, int family)
{
	const struct ip_prefix any = {.addr.family = family};

	build_route(b, ns, k->ifname->name, k->index, &any);
}

static void build_routes(struct build *b, size_t ns, const struct tenant *t,
			 const struct plan_tunnel *k, uint32_t outside)
{
	bool v6 = prefix_list_has_v6(&t->napt_addresses);

	if (k) {
		add_default_route(b, ns, k, AF_INET);
		if (v6)
			add_default_route(b, ns, k, AF_INET6);
	}
	for (size_t i = 0; i < t->n_routes; i++) {
		const struct route *r = &t->routes[i];
		bool inside = r->dev && !strcmp(r->dev, t->tunnel_if.name);
		struct op *op;

		if (inside && !k)
			continue;
		op = build_route(b, ns, r->dev, !r->dev ? 0 : inside ? k->index : outside, &r->to);
		op->route.has_via = r->has_via;
		op->route.via = r->via;
		op->route.has_metric = r->has_metric;
		op->route.metric = r->metric;
		op->route.table = r->table;
	}
}

/* /etc/netns/NAME/resolv.conf, which `ip netns exec` and `warren exec` lay over /etc's */
static void build_resolver(struct build *b, size_t ns, const struct tenant *t)
{
	char *text = arena_printf(b->p->arena, "# made by warren for tenant %s\n", t->name);
	char address[INET6_ADDRSTRLEN];
	struct op *op;

	for (size_t i = 0; text && i < t->n_dns; i++)
		text = arena_printf(b->p->arena, "%snameserver %s\n", text,
				    ip_addr_format(&t->dns[i], address));
	op = build_op(b, OP_FILE, ns);
	op->file.path = arena_printf(b->p->arena, "/etc/netns/%s/resolv.conf", t->netns);
	op->file.text = text;
	b->no_memory |= !text || !op->file.path;
}

static void build_tenant(struct build *b, size_t h, const struct gateway *gw,
			 const struct tenant *t, struct plan_tunnel *k)
{
	const size_t host_ns = b->hosts[h].ns;
	const struct host *host = &b->p->topology->hosts[h];
	const char *bridge = host->bridges[gw->bridge].ifname.name;
	bool v6 = prefix_list_has_v6(&t->napt_addresses);
	size_t ns = build_ns(b, t->netns, "tenant", t->name);
	struct known_if master = {0}, port;
	struct veth_ends v = {.ns = host_ns,
			      .peer_ns = ns,
			      .ifname = &t->bridge_if,
			      .peer = &t->outside_if,
			      .mtu = host->bridges[gw->bridge].mtu};

	for (size_t i = 0; i < b->hosts[h].n_ifs; i++)
		if (!strcmp(b->hosts[h].ifs[i].name, bridge))
			master = b->hosts[h].ifs[i];
	build_op(b, OP_NETNS, ns);
	build_lo_up(b, ns);
	build_sysctl(b, ns, "net.ipv4.ip_forward", "1");
	if (v6)
		build_sysctl(b, ns, "net.ipv6.conf.all.forwarding", "1");
	v.index = build_index(b, host_ns);
	v.peer_index = build_index(b, ns);
	build_veth(b, &v);
	port = (struct known_if){t->bridge_if.name, v.index};
	build_port(b, host_ns, &port, &master, true);
	build_op(b, OP_NAPT, ns)->napt.tenant = t;
	build_addresses(b, ns, t->outside_if.name, v.peer_index, &t->napt_addresses);
	build_link_up(b, ns, t->outside_if.name, v.peer_index, 0, v6);
	if (k) {
		k->home = ns;
		k->index = build_index(b, ns);
		build_tunnel_up(b, k, v6);
	}
	build_routes(b, ns, t, k, v.peer_index);
	if (t->n_dns)
		build_resolver(b, ns, t);
}

void build_tenants(struct build *b, size_t h)
{
	const struct host *host = &b->p->topology->hosts[h];
	const struct gateway *gw = host->gateway;
	size_t first = b->hosts[h].first_tunnel + host->n_tunnels;

	for (size_t i = 0; gw && i < gw->n_tenants && !b->no_memory; i++)
		build_tenant(b, h, gw, &gw->tenants[i],
			     b->o->backend == BACKEND_NONE ? NULL : b->p->tunnels[first + i]);
}
