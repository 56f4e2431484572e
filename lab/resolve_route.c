/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes that the kernel would refuse when the lab is made: one that is there already, and one
 * by way of an address that nothing leads to.  What is not certain is let through: in host mode
 * the interfaces have addresses that no file knows of.
 */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "lab/resolve.h"

#define METRIC_V6 1024 /* what the kernel takes for none, and for 0 */

/* a namespace: a host's, or that of a tenant of it */
struct place {
	size_t host, tenant; /* tenant: index, or NOT_A_TENANT */
	struct route *routes;
	size_t n_routes;
	bool near[2][129]; /* lengths of the prefixes in SPACE_NEAR, IPv4 and IPv6 */
};

struct prefix_key {
	uint8_t bytes[2 + 16]; /* family, length, address */
	size_t len;
};

static struct prefix_key key_of(const struct ip_prefix *p)
{
	struct ip_prefix net = ip_prefix_network(p);
	struct prefix_key k = {.bytes = {net.addr.family == AF_INET6, net.len}};

	memcpy(k.bytes + 2, net.addr.bytes, ip_addr_size(&net.addr));
	k.len = 2 + ip_addr_size(&net.addr);
	return k;
}

static bool add_prefix(struct resolving *r, enum space space, size_t a, size_t b,
		       const struct ip_prefix *p, size_t value, size_t *ret_old)
{
	struct prefix_key k = key_of(p);

	return index_add(r, space, a, b, k.bytes, k.len, value, ret_old);
}

static size_t get_prefix(const struct resolving *r, enum space space, size_t a, size_t b,
			 const struct ip_prefix *p)
{
	struct prefix_key k = key_of(p);

	return index_get(r, space, a, b, k.bytes, k.len);
}

/* --- the same route twice ------------------------------------------------------------------ */

/* false, with its place in *@ret_old: there is one already; @rt may pass, @src is kept */
static bool add_route(struct resolving *r, const struct place *pl, const struct route *rt,
		      const struct src *src, size_t *ret_old)
{
	uint32_t metric = rt->metric;
	struct prefix_key to = key_of(&rt->to);
	uint8_t key[sizeof(rt->table) + sizeof(metric) + sizeof(to.bytes)];

	if (rt->to.addr.family == AF_INET6 && !metric)
		metric = METRIC_V6;
	memcpy(key, &rt->table, sizeof(rt->table));
	memcpy(key + sizeof(rt->table), &metric, sizeof(metric));
	memcpy(key + sizeof(rt->table) + sizeof(metric), to.bytes, to.len);
	return index_add(r, SPACE_ROUTE, pl->host, pl->tenant, key,
			 sizeof(rt->table) + sizeof(metric) + to.len, src_value(src), ret_old);
}

/*
 * The kernel's own routes to the networks of addresses.  IPv6 ones have another metric than
 * routes of a file, and stand beside them.
 */
static bool makes_route(const struct ip_prefix *p)
{
	return p->addr.family == AF_INET && p->len < 32;
}

static void add_made(struct resolving *r, const struct place *pl, const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n && !r->ld->stop; i++)
		if (makes_route(&l->v[i]))
			add_route(r, pl,
				  &(struct route){.to = ip_prefix_network(&l->v[i]),
						  .table = RT_TABLE_MAIN},
				  &l->src[i], NULL);
}

/* not those of attachments: in host mode somebody else may have made them, with a metric */
static void add_all_made(struct resolving *r, const struct place *pl)
{
	const struct host *h = &r->t->hosts[pl->host];

	if (pl->tenant != NOT_A_TENANT) {
		add_made(r, pl, &h->gateway->tenants[pl->tenant].napt_addresses);
		return;
	}
	for (size_t i = 0; i < h->n_bridges; i++)
		add_made(r, pl, &h->bridges[i].addresses);
	for (size_t i = 0; i < h->n_tunnels; i++)
		add_made(r, pl, &h->tunnels[i].addresses);
}

/*
 * Does it take the place of the route to the same prefix into a tunnel?
 * The same answer as has_route() in lab/plan_host.c and has_default() in lab/plan_tenant.c.
 */
static bool replaces(const struct place *pl, const struct route *rt)
{
	return pl->tenant == NOT_A_TENANT || (rt->table == RT_TABLE_MAIN && !rt->has_metric);
}

static void add_routes(struct resolving *r, const struct place *pl)
{
	char buf[IP_PREFIX_STRLEN];
	size_t old;

	if (pl->n_routes)
		add_all_made(r, pl);
	for (size_t i = 0; i < pl->n_routes && !r->ld->stop; i++) {
		const struct route *rt = &pl->routes[i];

		if (rt->to.addr.family == AF_UNSPEC) /* could not be read */
			continue;
		if (!add_route(r, pl, rt, &rt->src, &old))
			diag(r->ld, rt->src,
			     "a route to %s is there already (%s makes it; take this one "
			     "out, or give it another `metric` or `table`)",
			     ip_prefix_format(&rt->to, buf),
			     where(r->ld, rt->src, src_from(old)).s);
		if (replaces(pl, rt))
			add_prefix(r, SPACE_OWN, pl->host, pl->tenant, &rt->to, 0, NULL);
	}
}

/* --- two tunnels to the same prefix ---------------------------------------------------------- */

static void add_connected(struct resolving *r, size_t host, size_t index)
{
	const struct prefix_list *l = &r->t->hosts[host].tunnels[index].addresses;

	for (size_t i = 0; i < l->n && !r->ld->stop; i++) {
		add_prefix(r, SPACE_CONNECTED, host, index, &l->v[i], 0, NULL);
		if (makes_route(&l->v[i]))
			add_prefix(r, SPACE_INTO, host, 0, &l->v[i], index, NULL);
	}
}

static void add_into(struct resolving *r, size_t host, size_t index, const struct prefix_list *l)
{
	const struct host *h = &r->t->hosts[host];
	char buf[IP_PREFIX_STRLEN];
	size_t old;

	for (size_t i = 0; i < l->n && !r->ld->stop; i++) {
		const struct ip_prefix *p = &l->v[i];

		/* no route is made for these */
		if (get_prefix(r, SPACE_OWN, host, NOT_A_TENANT, p) != NOT_FOUND ||
		    get_prefix(r, SPACE_CONNECTED, host, index, p) != NOT_FOUND)
			continue;
		if (!add_prefix(r, SPACE_INTO, host, 0, p, index, &old) && old != index)
			diag(r->ld, l->src[i],
			     "%s is routed into `%s` already (give the host a route of its own "
			     "for it, or change one)",
			     ip_prefix_format(p, buf), show(h->tunnels[old].ifname.full).s);
	}
}

static void check_tunnels(struct resolving *r, size_t host)
{
	const struct host *h = &r->t->hosts[host];

	if (h->n_tunnels < 2)
		return;
	for (size_t i = 0; i < h->n_tunnels && !r->ld->stop; i++) {
		add_connected(r, host, i);
		for (size_t k = 0; k < h->tunnels[i].n_peers; k++)
			add_into(r, host, i, &h->tunnels[i].peers[k].allowed_ips);
	}
}

/* --- `via` ------------------------------------------------------------------------------------- */

static void add_near(struct resolving *r, struct place *pl, const struct ip_prefix *p)
{
	add_prefix(r, SPACE_NEAR, pl->host, pl->tenant, p, 0, NULL);
	pl->near[p->addr.family == AF_INET6][p->len] = true;
}

static void add_near_list(struct resolving *r, struct place *pl, const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n && !r->ld->stop; i++)
		add_near(r, pl, &l->v[i]);
}

/* what comes out of a tunnel is routed into it, unless the file has a route there */
static void add_near_peers(struct resolving *r, struct place *pl, const struct peer *peers,
			   size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < peers[i].allowed_ips.n && !r->ld->stop; k++) {
			const struct ip_prefix *p = &peers[i].allowed_ips.v[k];
			/* a tenant has a default route into its tunnel, and no other */
			struct ip_prefix to =
				pl->tenant == NOT_A_TENANT
					? *p
					: (struct ip_prefix){.addr.family = p->addr.family};

			if (get_prefix(r, SPACE_OWN, pl->host, pl->tenant, &to) == NOT_FOUND)
				add_near(r, pl, p);
		}
}

/* an interface without an address of a family may have one in host mode: all is near then */
static void add_near_attachment(struct resolving *r, struct place *pl, const struct attachment *a)
{
	bool has[2] = {false, false};

	for (size_t i = 0; i < a->addresses.n; i++)
		has[a->addresses.v[i].addr.family == AF_INET6] = true;
	for (int i = 0; i < 2; i++)
		if (!has[i])
			add_near(r, pl, &(struct ip_prefix){.addr.family = i ? AF_INET6 : AF_INET});
	add_near_list(r, pl, &a->addresses);
}

static void add_all_near(struct resolving *r, struct place *pl)
{
	const struct host *h = &r->t->hosts[pl->host];

	if (pl->tenant != NOT_A_TENANT) {
		const struct tenant *t = &h->gateway->tenants[pl->tenant];

		add_near_list(r, pl, &t->napt_addresses);
		add_near_peers(r, pl, t->peers, t->n_peers);
		return;
	}
	for (size_t i = 0; i < h->n_attachments; i++)
		add_near_attachment(r, pl, &h->attachments[i]);
	for (size_t i = 0; i < h->n_bridges; i++)
		add_near_list(r, pl, &h->bridges[i].addresses);
	for (size_t i = 0; i < h->n_tunnels; i++) {
		add_near_list(r, pl, &h->tunnels[i].addresses);
		add_near_peers(r, pl, h->tunnels[i].peers, h->tunnels[i].n_peers);
	}
}

static bool is_near(const struct resolving *r, const struct place *pl, const struct ip_addr *a)
{
	const bool *lengths = pl->near[a->family == AF_INET6];

	for (unsigned int len = 0; len <= ip_addr_bits(a); len++) {
		struct ip_prefix p = {.addr = *a, .len = (uint8_t)len};

		if (lengths[len] &&
		    get_prefix(r, SPACE_NEAR, pl->host, pl->tenant, &p) != NOT_FOUND)
			return true;
	}
	return false;
}

/* every network has all of fe80::/10, so it takes `dev` to tell which */
static bool is_link_local(const struct ip_addr *a)
{
	return a->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->v6);
}

static void check_via(struct resolving *r, const struct place *pl, const struct route *rt)
{
	char buf[INET6_ADDRSTRLEN];

	ip_addr_format(&rt->via, buf);
	if (is_link_local(&rt->via)) {
		if (!rt->dev)
			diag(r->ld, rt->src, "`via` %s needs `dev` beside it (it is link-local)",
			     buf);
	} else if (!is_near(r, pl, &rt->via)) {
		diag(r->ld, rt->src,
		     "`via` %s is on no network of this %s (give an interface an address "
		     "there, or put a route by `dev` before this one)",
		     buf, pl->tenant == NOT_A_TENANT ? "host" : "tenant");
	}
}

/* in the order of the list, which is the order in which they are made */
static void check_vias(struct resolving *r, struct place *pl)
{
	bool any = false;

	for (size_t i = 0; i < pl->n_routes; i++)
		any |= pl->routes[i].has_via;
	if (!any)
		return;
	add_all_near(r, pl);
	for (size_t i = 0; i < pl->n_routes && !r->ld->stop; i++) {
		const struct route *rt = &pl->routes[i];

		if (rt->has_via)
			check_via(r, pl, rt);
		else /* the kernel takes no route by way of one that is by way of another */
			add_near(r, pl, &rt->to);
	}
}

/* --- all of them ------------------------------------------------------------------------------- */

static void check_place(struct resolving *r, struct place *pl, bool vias)
{
	add_routes(r, pl);
	if (vias)
		check_vias(r, pl);
}

void resolve_routes(struct resolving *r)
{
	/* where an address is wrong, what is near cannot be told */
	const bool vias = !r->ld->errors;

	for (size_t i = 0; i < r->t->n_hosts && !r->ld->stop; i++) {
		struct host *h = &r->t->hosts[i];
		struct place pl = {i, NOT_A_TENANT, h->routes, h->n_routes, .near = {{0}}};

		check_place(r, &pl, vias);
		check_tunnels(r, i);
		for (size_t k = 0; h->gateway && k < h->gateway->n_tenants && !r->ld->stop; k++) {
			const struct tenant *t = &h->gateway->tenants[k];

			if (!t->n_routes)
				continue;
			pl = (struct place){i, k, t->routes, t->n_routes, .near = {{0}}};
			check_place(r, &pl, vias);
		}
	}
}
