/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the plan that makes a host: its links, its own tunnels, its settings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plan_build.h"

#define RESERVED_LENGTH 1024 /* bytes of a list of ports */

static const struct host *host_of(const struct build *b, size_t h)
{
	return &b->p->topology->hosts[h];
}

static void know(struct build *b, size_t h, const char *name, uint32_t index)
{
	struct build_host *bh = &b->hosts[h];

	bh->ifs[bh->n_ifs++] = (struct known_if){name, index};
}

static bool is_here(const struct build *b)
{
	return b->p->here;
}

/* --- attachments -------------------------------------------------------------------- */

static void build_attachment(struct build *b, size_t h, const struct attachment *a)
{
	const struct network *net = &b->p->topology->networks[a->network];
	const size_t ns = b->hosts[h].ns;
	struct ifname *port = arena_alloc(b->p->arena, sizeof(*port));
	struct veth_ends v = {.ns = b->networks_ns,
			      .peer_ns = ns,
			      .ifname = port,
			      .peer = &a->ifname,
			      .mtu = net->mtu};

	if (!port) {
		b->no_memory = true;
		return;
	}
	build_segment_name(b, port,
			   arena_printf(b->p->arena, "%s.%s", host_of(b, h)->name, a->ifname.full));
	v.index = build_index(b, v.ns);
	v.peer_index = build_index(b, ns);
	build_veth(b, &v);
	build_port(b, v.ns, port, v.index, &b->networks[a->network], false);
	build_addresses(b, ns, a->ifname.name, v.peer_index, &a->addresses);
	build_end_up(b, ns, &a->ifname, v.peer_index, prefix_list_has_v6(&a->addresses));
	know(b, h, a->ifname.name, v.peer_index);
}

/* host mode: the interface is there already and gets the addresses that it lacks */
static int adopt_attachment(struct build *b, size_t h, const struct attachment *a, struct err *e)
{
	const struct link_seen *l = links_find(b->o->links, a->ifname.full);
	const char *name = arena_strdup(b->p->arena, a->ifname.full);

	if (!l) {
		err_set(e, ENODEV, "host %s: interface %s: not there", host_of(b, h)->name,
			a->ifname.full);
		err_hint(e, "host mode uses the machine's own interfaces: name it as here, or "
			    "rename it");
		return err_kind_set(e, ERR_CANNOT);
	}
	for (size_t i = 0; i < a->addresses.n; i++) {
		const struct prefix_list one = {.v = &a->addresses.v[i], .n = 1};

		if (!link_has_address(l, &a->addresses.v[i]))
			build_addresses(b, b->hosts[h].ns, name, l->index, &one);
	}
	if (!l->up)
		build_link_up(b, b->hosts[h].ns, name, l->index, 0, true);
	know(b, h, name, l->index);
	return 0;
}

/* --- the host's base ------------------------------------------------------------------ */

static void build_bridge(struct build *b, size_t h, const struct bridge *br)
{
	struct op *op = build_op(b, OP_BRIDGE, b->hosts[h].ns);

	op->ifname = br->ifname.name;
	op->index = build_index(b, b->hosts[h].ns);
	op->bridge.full = br->ifname.full;
	op->bridge.mtu = br->mtu;
	know(b, h, op->ifname, op->index);
	build_addresses(b, b->hosts[h].ns, br->ifname.name,
			b->hosts[h].ifs[b->hosts[h].n_ifs - 1].index, &br->addresses);
}

static void build_host_tunnels_start(struct build *b, size_t h);
static void build_reserved_ports(struct build *b, size_t h);

int build_host(struct build *b, size_t h, struct err *e)
{
	const struct host *host = host_of(b, h);
	struct build_host *bh = &b->hosts[h];
	int r = 0;

	bh->ifs = arena_alloc(b->p->arena,
			      (host->n_attachments + host->n_bridges + host->n_tunnels + 1) *
				      sizeof(*bh->ifs));
	if (!bh->ifs) {
		b->no_memory = true;
		return 0;
	}
	bh->ns = build_ns(b, is_here(b) ? NULL : host->netns,
			  host->gateway ? UNIT_GATEWAY : UNIT_HOST, host, NULL);
	b->unit = bh->ns;
	if (!is_here(b))
		build_op(b, OP_NETNS, bh->ns);
	if (host->forwarding) {
		build_sysctl(b, bh->ns, "net.ipv4.ip_forward", "1");
		build_sysctl(b, bh->ns, "net.ipv6.conf.all.forwarding", "1");
	}
	build_reserved_ports(b, h);
	for (size_t i = 0; i < host->n_attachments && !r; i++) {
		if (is_here(b))
			r = adopt_attachment(b, h, &host->attachments[i], e);
		else
			build_attachment(b, h, &host->attachments[i]);
	}
	if (!is_here(b))
		build_lo_up(b, bh->ns);
	for (size_t i = 0; i < host->n_bridges; i++)
		build_bridge(b, h, &host->bridges[i]);
	if (!r)
		build_tenants(b, h);
	b->unit = bh->ns;
	if (!r)
		build_host_tunnels_start(b, h);
	return r;
}

/* --- tunnels ---------------------------------------------------------------------------- */

static void build_host_tunnels_start(struct build *b, size_t h)
{
	const struct host *host = host_of(b, h);
	struct build_host *bh = &b->hosts[h];

	bh->first_tunnel = b->p->n_tunnels;
	if (b->o->backend == BACKEND_NONE)
		return;
	for (size_t i = 0; i < host->n_tunnels; i++) {
		struct plan_tunnel *k = build_tunnel(b, &host->tunnels[i].ifname, bh->ns, bh->ns,
						     host->tunnels[i].mtu);

		k->tunnel = &host->tunnels[i];
		k->index = build_index(b, bh->ns);
		k->dir = host->netns;
		build_tunnel_start(b, k);
	}
}

/* is there a route of the file's own for just this prefix? */
static bool has_route(const struct host *host, const struct ip_prefix *to)
{
	for (size_t i = 0; i < host->n_routes; i++) {
		const struct ip_prefix *p = &host->routes[i].to;

		if (p->len == to->len && !ip_addr_cmp(&p->addr, &to->addr))
			return true;
	}
	return false;
}

static bool is_connected(const struct tunnel *t, const struct ip_prefix *to)
{
	for (size_t i = 0; i < t->addresses.n; i++) {
		struct ip_prefix own = ip_prefix_network(&t->addresses.v[i]);

		if (own.len == to->len && !ip_addr_cmp(&own.addr, &to->addr))
			return true;
	}
	return false;
}

/* as wg-quick does: what may come out of a tunnel is also sent into it */
static void build_allowed_ips(struct build *b, size_t h, const struct plan_tunnel *k)
{
	const struct host *host = host_of(b, h);

	for (size_t i = 0; i < k->tunnel->n_peers; i++) {
		const struct prefix_list *l = &k->tunnel->peers[i].allowed_ips;

		for (size_t j = 0; j < l->n; j++) {
			struct ip_prefix to = ip_prefix_network(&l->v[j]);

			/* the kernel makes the route to an interface's own network */
			if (!has_route(host, &to) && !is_connected(k->tunnel, &to))
				build_route(b, k->home, k->ifname->name, k->index, &to);
		}
	}
}

static bool tunnel_has_v6(const struct tunnel *t)
{
	if (prefix_list_has_v6(&t->addresses))
		return true;
	for (size_t i = 0; i < t->n_peers; i++)
		if (prefix_list_has_v6(&t->peers[i].allowed_ips))
			return true;
	return false;
}

static void build_host_tunnels(struct build *b, size_t h)
{
	const struct host *host = host_of(b, h);
	const struct build_host *bh = &b->hosts[h];

	if (b->o->backend == BACKEND_NONE || b->no_memory)
		return;
	for (size_t i = 0; i < host->n_tunnels; i++) {
		struct plan_tunnel *k = b->p->tunnels[bh->first_tunnel + i];

		build_tunnel_up(b, k, tunnel_has_v6(k->tunnel));
		build_addresses(b, k->home, k->ifname->name, k->index, &k->tunnel->addresses);
		build_allowed_ips(b, h, k);
		know(b, h, k->ifname->name, k->index);
	}
}

/* --- settings, routes, programs ---------------------------------------------------------- */

static void build_host_links_up(struct build *b, size_t h)
{
	const struct host *host = host_of(b, h);

	raise_tenant_bridges(b, h);
	for (size_t i = 0; i < host->n_bridges; i++) {
		const struct bridge *br = &host->bridges[i];
		struct known_if k = build_find_if(b, h, br->ifname.name);

		build_link_up(b, b->hosts[h].ns, k.name, k.index, 0,
			      prefix_list_has_v6(&br->addresses));
	}
}

/* --- reserved ports ---------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/*
 * The kernel gives no socket a listen port of a tunnel by chance: not a program's, nor another
 * tunnel's in the instant before its own port is set.
 */
static void build_reserved_ports(struct build *b, size_t h)
{
	const struct host *host = host_of(b, h);
	const struct gateway *gw = host->gateway;
	size_t n = 0, max = host->n_tunnels + (gw ? gw->n_tenants : 0);
	uint16_t *ports = arena_alloc(b->p->arena, (max + 1) * sizeof(*ports));
	char *text = arena_alloc(b->p->arena, RESERVED_LENGTH);
	int len = 0;
	struct op *op;

	if (!ports || !text) {
		b->no_memory = true;
		return;
	}
	for (size_t i = 0; i < host->n_tunnels; i++)
		if (host->tunnels[i].has_listen_port && host->tunnels[i].listen_port)
			ports[n++] = host->tunnels[i].listen_port;
	for (size_t i = 0; gw && i < gw->n_tenants; i++)
		ports[n++] = gw->tenants[i].listen_port;
	if (!n || b->o->backend == BACKEND_NONE)
		return;
	qsort(ports, n, sizeof(*ports), by_number);
	/* as many as the kernel reads at once; the others have to take their chance */
	for (size_t i = 0, k; i < n && len < RESERVED_LENGTH - 16; i = k) {
		for (k = i + 1; k < n && ports[k] == ports[k - 1] + 1; k++)
			;
		len += snprintf(text + len, RESERVED_LENGTH - (size_t)len, "%s%u", len ? "," : "",
				ports[i]);
		if (k > i + 1)
			len += snprintf(text + len, RESERVED_LENGTH - (size_t)len, "-%u",
					ports[k - 1]);
	}
	build_sysctl(b, b->hosts[h].ns, "net.ipv4.ip_local_reserved_ports", text);
	op = &b->p->ops[b->p->n_ops - 1];
	op->sysctl.append = true;
}

/* a tunnel that --backend none leaves out, with the routes and settings that are about it */
static bool is_absent(const struct build *b, const struct host *host, const char *ifname)
{
	for (size_t i = 0; b->o->backend == BACKEND_NONE && i < host->n_tunnels; i++)
		if (!strcmp(host->tunnels[i].ifname.name, ifname))
			return true;
	return false;
}

/* net.ipv4.conf.wg0.rp_filter, net/ipv6/conf/wg0/forwarding … */
static bool names_absent(const struct build *b, const struct host *host, const char *key)
{
	const char *conf = strstr(key, "conf");
	const char *end = strrchr(key, key[3]);
	char ifname[IF_NAME_MAX + 1];

	if (!conf || end - conf < 6)
		return false;
	snprintf(ifname, sizeof(ifname), "%.*s", (int)(end - conf - 5), conf + 5);
	return is_absent(b, host, ifname);
}

static void build_settings(struct build *b, size_t h)
{
	const struct host *host = host_of(b, h);
	const size_t ns = b->hosts[h].ns;

	if (host->proxy_arp)
		build_sysctl(b, ns, "net.ipv4.conf.all.proxy_arp", "1");
	for (size_t i = 0; i < host->proxy_arp_ifs.n; i++)
		if (!is_absent(b, host, host->proxy_arp_ifs.v[i]))
			build_sysctl(b, ns,
				     arena_printf(b->p->arena, "net/ipv4/conf/%s/proxy_arp",
						  host->proxy_arp_ifs.v[i]),
				     "1");
	for (size_t i = 0; i < host->n_sysctls; i++)
		if (!names_absent(b, host, host->sysctls[i].key))
			build_sysctl(b, ns, host->sysctls[i].key, host->sysctls[i].value);
}

static void build_routes(struct build *b, size_t h)
{
	const struct host *host = host_of(b, h);

	for (size_t i = 0; i < host->n_routes; i++) {
		const struct route *r = &host->routes[i];
		struct known_if dev = {0};
		struct op *op;

		if (r->dev && is_absent(b, host, r->dev))
			continue;
		if (r->dev)
			dev = build_find_if(b, h, r->dev);
		op = build_route(b, b->hosts[h].ns, r->dev, dev.index, &r->to);
		op->route.has_via = r->has_via;
		op->route.via = r->via;
		op->route.has_metric = r->has_metric;
		op->route.metric = r->metric;
		op->route.table = r->table;
	}
}

void build_host_rest(struct build *b, size_t h)
{
	if (b->no_memory)
		return;
	b->unit = b->hosts[h].ns;
	build_host_tunnels(b, h);
	build_host_links_up(b, h);
	build_settings(b, h);
	build_routes(b, h);
	if (host_of(b, h)->n_napts)
		build_op(b, OP_NAPT, b->hosts[h].ns)->napt.host = host_of(b, h);
}

void build_host_runs(struct build *b, size_t h)
{
	const struct host *host = host_of(b, h);

	b->unit = b->hosts[h].ns;
	for (size_t i = 0; i < host->n_runs; i++)
		build_op(b, OP_RUN, b->hosts[h].ns)->run = &host->runs[i];
}
