/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the plan that makes a gateway's tenants. */
#include <linux/rtnetlink.h>
#include <string.h>

#include "lab/plan_build.h"

static void add_default_route(struct build *b, size_t ns, const struct plan_tunnel *k, int family)
{
	const struct ip_prefix any = {.addr.family = family};

	build_route(b, ns, k->ifname->name, k->index, &any);
}

/* a default route of the file's own takes the place of the one into the tunnel */
static bool has_default(const struct tenant *t, int family)
{
	for (size_t i = 0; i < t->n_routes; i++)
		if (!t->routes[i].to.len && t->routes[i].to.addr.family == family &&
		    t->routes[i].table == RT_TABLE_MAIN && !t->routes[i].has_metric)
			return true;
	return false;
}

static void build_routes(struct build *b, size_t ns, const struct tenant *t,
			 const struct plan_tunnel *k, uint32_t outside)
{
	bool v6 = prefix_list_has_v6(&t->napt_addresses);

	if (k && !has_default(t, AF_INET))
		add_default_route(b, ns, k, AF_INET);
	if (k && v6 && !has_default(t, AF_INET6))
		add_default_route(b, ns, k, AF_INET6);
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
	char *text = arena_printf(b->p->arena, "# made by warren for tenant %s of lab %s\n",
				  t->name, b->p->topology->name);
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

struct tenant_build {
	const struct tenant *t;
	size_t ns;
	uint32_t outside;      /* number of its interface on the bridge's side */
	struct plan_tunnel *k; /* NULL: --backend none */
};

/* the namespace, its link to the bridge, its rules; a userspace tunnel is started */
static void build_base(struct build *b, size_t h, struct tenant_build *tb)
{
	const struct host *host = &b->p->topology->hosts[h];
	const struct bridge *bridge = &host->bridges[host->gateway->bridge];
	const struct tenant *t = tb->t;
	const size_t host_ns = b->hosts[h].ns;
	bool v6 = prefix_list_has_v6(&t->napt_addresses);
	const struct known_if *master =
		build_tenant_bridge(b, h, (size_t)(t - host->gateway->tenants));
	struct veth_ends v = {
		.ns = host_ns, .ifname = &t->bridge_if, .peer = &t->outside_if, .mtu = bridge->mtu};

	v.peer_ns = tb->ns = build_ns(b, t->netns, UNIT_TENANT, host, t);
	b->unit = tb->ns;
	build_op(b, OP_NETNS, tb->ns);
	build_sysctl(b, tb->ns, "net.ipv4.ip_forward", "1");
	if (v6)
		build_sysctl(b, tb->ns, "net.ipv6.conf.all.forwarding", "1");
	if (b->o->backend != BACKEND_NONE) {
		tb->k = build_tunnel(b, &t->tunnel_if, tb->ns, host_ns, host->gateway->mtu);
		/* the kernel looks for the number in both namespaces: one that is free in the
		 * host's, and above those of the tenant's */
		tb->k->index = build_index(b, host_ns);
		tb->k->tenant = t;
		tb->k->dir = t->netns;
		build_tunnel_start(b, tb->k);
	}
	v.index = build_index(b, host_ns);
	v.peer_index = tb->outside = build_index(b, tb->ns);
	build_veth(b, &v);
	build_port(b, host_ns, &t->bridge_if, v.index, master, true);
	if (!b->no_memory)
		b->p->ops[b->p->n_ops - 1].port.pooled = true;
	build_op(b, OP_NAPT, tb->ns)->napt.tenant = t;
	build_lo_up(b, tb->ns);
	build_addresses(b, tb->ns, t->outside_if.name, tb->outside, &t->napt_addresses);
	build_end_up(b, tb->ns, &t->outside_if, tb->outside, v6);
}

static void build_rest(struct build *b, const struct tenant_build *tb)
{
	b->unit = tb->ns;
	if (tb->k)
		build_tunnel_up(b, tb->k, prefix_list_has_v6(&tb->t->napt_addresses));
	build_routes(b, tb->ns, tb->t, tb->k, tb->outside);
	if (tb->t->n_dns)
		build_resolver(b, tb->ns, tb->t);
}

void build_tenants(struct build *b, size_t h)
{
	const struct gateway *gw = b->p->topology->hosts[h].gateway;
	size_t window = b->o->backend == BACKEND_USERSPACE ? TUNNEL_WINDOW : 1;
	struct tenant_build tb[TUNNEL_WINDOW];

	build_tenant_bridges(b, h);
	for (size_t i = 0; gw && i < gw->n_tenants && !b->no_memory; i += window) {
		size_t n = gw->n_tenants - i < window ? gw->n_tenants - i : window;

		for (size_t k = 0; k < n; k++) {
			tb[k] = (struct tenant_build){.t = &gw->tenants[i + k]};
			build_base(b, h, &tb[k]);
		}
		for (size_t k = 0; k < n; k++)
			build_rest(b, &tb[k]);
	}
}
