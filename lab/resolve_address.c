/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addresses: each where it belongs, and only once; ports and addresses out of pools */
#include <arpa/inet.h>
#include <stdio.h>

#include "lab/lease.h"
#include "lab/resolve.h"

#define PREFIXES_MAX       64 /* of one network or bridge, ranges of one pool */
#define DEFAULT_PORT_FIRST 51820
#define DEFAULT_PORT_LAST  65535

const struct ip_prefix *prefix_around(const struct prefix_list *list, const struct ip_addr *a)
{
	for (size_t i = 0; i < list->n && i < PREFIXES_MAX; i++)
		if (ip_prefix_contains(&list->v[i], a))
			return &list->v[i];
	return NULL;
}

/* IPv4's all-ones and all-zeros addresses (RFC 1122), IPv6's anycast address of routers */
bool is_reserved_address(const struct ip_prefix *net, const struct ip_addr *a)
{
	struct ip_prefix n = ip_prefix_network(net);
	uint32_t host;

	if (net->len + 1U >= ip_addr_bits(&net->addr)) /* /31, /32: RFC 3021 */
		return false;
	if (ip_addr_cmp(&n.addr, a) == 0)
		return true;
	if (a->family != AF_INET)
		return false;
	host = net->len ? 0xffffffff >> net->len : 0xffffffff;
	return (ntohl(a->v4.s_addr) & host) == host;
}

/* the prefixes of one family, for a message */
static struct hint known_prefixes(const struct prefix_list *list, int family)
{
	struct hint h = {.s = ""};
	char buf[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < list->n && !h.s[0]; i++) {
		struct ip_prefix net = ip_prefix_network(&list->v[i]);

		if (net.addr.family == family)
			snprintf(h.s, sizeof(h.s), " (take one of %s)",
				 ip_prefix_format(&net, buf));
	}
	if (!h.s[0])
		snprintf(h.s, sizeof(h.s), " (it has no IPv%d)", family == AF_INET ? 4 : 6);
	return h;
}

static void limit_prefixes(struct load *ld, const struct prefix_list *list, const char *what)
{
	if (list->n > PREFIXES_MAX)
		diag(ld, list->src[PREFIXES_MAX], "%s has more than %d prefixes", what,
		     PREFIXES_MAX);
}

/* --- networks and bridges ------------------------------------------------------------------ */

static void check_network(struct resolving *r, const struct network *net)
{
	const struct prefix_list *list = &net->prefixes;
	char a[IP_PREFIX_STRLEN], b[IP_PREFIX_STRLEN];

	limit_prefixes(r->ld, list, "a network");
	for (size_t i = 1; i < list->n && i < PREFIXES_MAX; i++)
		for (size_t k = 0; k < i; k++)
			if (ip_prefix_overlap(&list->v[i], &list->v[k]))
				diag(r->ld, list->src[i], "prefix %s overlaps with %s",
				     ip_prefix_format(&list->v[i], a),
				     ip_prefix_format(&list->v[k], b));
}

static void claim(struct resolving *r, enum space space, size_t a, size_t b,
		  const struct ip_addr *addr, struct src src, const char *where)
{
	char text[INET6_ADDRSTRLEN];
	size_t line;

	if (!index_add(r, space, a, b, addr->bytes, ip_addr_size(addr), (size_t)src.line, &line))
		diag(r->ld, src, "address %s is used twice on %s (line %zu has it)",
		     ip_addr_format(addr, text), show(where).s, line);
}

static void check_attachment(struct resolving *r, const struct attachment *a)
{
	const struct network *net;
	char buf[INET6_ADDRSTRLEN];

	if (a->network == NOT_FOUND)
		return;
	net = &r->t->networks[a->network];
	for (size_t i = 0; i < a->addresses.n; i++) {
		const struct ip_addr *addr = &a->addresses.v[i].addr;
		const struct ip_prefix *p = prefix_around(&net->prefixes, addr);

		ip_addr_format(addr, buf);
		if (!p && net->prefixes.n)
			diag(r->ld, a->addresses.src[i], "%s is outside network `%s`%s", buf,
			     show(net->name).s, known_prefixes(&net->prefixes, addr->family).s);
		else if (p && is_reserved_address(p, addr))
			diag(r->ld, a->addresses.src[i],
			     "%s is the address of network `%s` itself or its broadcast address",
			     buf, show(net->name).s);
		claim(r, SPACE_SEGMENT, a->network, 0, addr, a->addresses.src[i], net->name);
	}
}

static void check_bridge(struct resolving *r, size_t host, size_t index)
{
	const struct bridge *b = &r->t->hosts[host].bridges[index];
	char buf[INET6_ADDRSTRLEN];

	limit_prefixes(r->ld, &b->addresses, "a bridge");
	for (size_t i = 0; i < b->addresses.n; i++) {
		const struct ip_prefix *p = &b->addresses.v[i];

		if (is_reserved_address(p, &p->addr))
			diag(r->ld, b->addresses.src[i],
			     "%s is a network's own or broadcast address (take another)",
			     ip_addr_format(&p->addr, buf));
		claim(r, SPACE_ON_BRIDGE, host, index, &p->addr, b->addresses.src[i],
		      b->ifname.full);
	}
}

static void check_napt_addresses(struct resolving *r, size_t host, const struct bridge *b,
				 struct tenant *t)
{
	size_t bridge = r->t->hosts[host].gateway->bridge;
	char buf[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < t->napt_addresses.n; i++) {
		struct ip_prefix *p = &t->napt_addresses.v[i];
		struct src src = t->napt_addresses.src[i];
		const struct ip_prefix *around = prefix_around(&b->addresses, &p->addr);

		ip_addr_format(&p->addr, buf);
		if (!around) {
			diag(r->ld, src, "%s is outside bridge `%s`%s", buf, show(b->ifname.full).s,
			     known_prefixes(&b->addresses, p->addr.family).s);
		} else {
			p->len = around->len;
			if (is_reserved_address(around, &p->addr))
				diag(r->ld, src,
				     "%s is the network's own or broadcast address on bridge `%s`",
				     buf, show(b->ifname.full).s);
		}
		claim(r, SPACE_ON_BRIDGE, host, bridge, &p->addr, src, b->ifname.full);
	}
}

static void check_tunnel_addresses(struct resolving *r, const struct tunnel *tun)
{
	const struct prefix_list *list = &tun->addresses;
	char buf[INET6_ADDRSTRLEN];

	limit_prefixes(r->ld, list, "a tunnel");
	for (size_t i = 1; i < list->n && i < PREFIXES_MAX; i++)
		for (size_t k = 0; k < i; k++)
			if (ip_addr_cmp(&list->v[i].addr, &list->v[k].addr) == 0)
				diag(r->ld, list->src[i],
				     "address %s is given twice (take one out)",
				     ip_addr_format(&list->v[i].addr, buf));
}

void resolve_addresses(struct resolving *r)
{
	struct topology *t = r->t;

	for (size_t i = 0; i < t->n_networks; i++)
		check_network(r, &t->networks[i]);
	for (size_t i = 0; i < t->n_hosts && !r->ld->stop; i++) {
		struct host *h = &t->hosts[i];
		struct gateway *g = h->gateway;

		for (size_t k = 0; k < h->n_attachments; k++)
			check_attachment(r, &h->attachments[k]);
		for (size_t k = 0; k < h->n_bridges; k++)
			check_bridge(r, i, k);
		for (size_t k = 0; k < h->n_tunnels; k++)
			check_tunnel_addresses(r, &h->tunnels[k]);
		for (size_t k = 0; g && g->bridge != NOT_FOUND && k < g->n_tenants; k++)
			check_napt_addresses(r, i, &h->bridges[g->bridge], &g->tenants[k]);
	}
}

/* --- pools ----------------------------------------------------------------------------------- */

/* how far a pool has been used */
struct taking {
	struct resolving *r;
	size_t host;
	const struct bridge *bridge;
	uint32_t next_port, last_port;
	struct ip_range ranges[PREFIXES_MAX];
	size_t n_ranges;
	size_t at[2]; /* range being used, IPv4 and IPv6 */
	bool has[2];
};

static const int families[2] = {AF_INET, AF_INET6};

static void take_port(struct taking *tk, struct tenant *t)
{
	for (; tk->next_port <= tk->last_port; tk->next_port++) {
		uint16_t port = (uint16_t)tk->next_port;

		if (index_add(tk->r, SPACE_PORT, tk->host, 0, &port, sizeof(port),
			      (size_t)t->src.line, NULL)) {
			t->listen_port = port;
			tk->next_port++;
			return;
		}
	}
	diag(tk->r->ld, t->src,
	     "no port is left in the pool for tenant `%s` (enlarge `pools: {listen_port: …}`)",
	     show(t->name).s);
	t->listen_port = DEFAULT_PORT_FIRST; /* never 0, also in a model that is thrown away */
}

/* the first of @range may be had: on the bridge, not reserved, not used */
static bool try_address(struct taking *tk, const struct ip_range *range, struct tenant *t)
{
	size_t bridge = tk->r->t->hosts[tk->host].gateway->bridge;
	const struct ip_prefix *p = prefix_around(&tk->bridge->addresses, &range->first);
	struct ip_prefix got;
	char buf[INET6_ADDRSTRLEN];

	if (!p) {
		diag(tk->r->ld, range->src, "%s is outside bridge `%s`%s",
		     ip_addr_format(&range->first, buf), show(tk->bridge->ifname.full).s,
		     known_prefixes(&tk->bridge->addresses, range->first.family).s);
		return false;
	}
	if (is_reserved_address(p, &range->first) ||
	    !index_add(tk->r, SPACE_ON_BRIDGE, tk->host, bridge, range->first.bytes,
		       ip_addr_size(&range->first), (size_t)t->src.line, NULL))
		return false;
	got = (struct ip_prefix){.addr = range->first, .len = p->len};
	prefix_add(tk->r->ld, &t->napt_addresses, t->src, &got);
	return true;
}

/* @range shrinks from its beginning; false: it is used up */
static bool take_from(struct taking *tk, struct ip_range *range, struct tenant *t)
{
	bool got = false;

	while (!got && ip_addr_cmp(&range->first, &range->last) <= 0 && !tk->r->ld->stop) {
		bool last = ip_addr_cmp(&range->first, &range->last) == 0;

		if (!prefix_around(&tk->bridge->addresses, &range->first))
			last = true; /* said once, not for each of 2^64 */
		got = try_address(tk, range, t);
		if (last || ip_addr_add(&range->first, 1, &range->first) < 0) {
			range->first.family = AF_UNSPEC;
			break;
		}
	}
	return got;
}

static void take_address(struct taking *tk, int f, struct tenant *t)
{
	for (; tk->at[f] < tk->n_ranges; tk->at[f]++) {
		struct ip_range *range = &tk->ranges[tk->at[f]];

		if (range->first.family == families[f] && take_from(tk, range, t))
			return;
	}
	diag_kind(tk->r->ld, t->src, &families[f],
		  "no IPv%d address is left in the pool for tenant `%s` (enlarge `pools: "
		  "{napt_addresses: …}` or the bridge's prefix)",
		  f ? 6 : 4, show(t->name).s);
}

static void take_addresses(struct taking *tk, struct tenant *t)
{
	if (!tk->has[0] && !tk->has[1])
		diag(tk->r->ld, t->src,
		     "tenant `%s` has no `napt_addresses`, and bridge `%s` has no address to take "
		     "one beside (give one of the two)",
		     show(t->name).s, show(tk->bridge->ifname.full).s);
	for (int f = 0; f < 2; f++)
		if (tk->has[f])
			take_address(tk, f, t);
}

/* what the file says, or else the bridge's own prefixes */
static void fill_ranges(struct taking *tk, const struct pool *pool)
{
	const struct prefix_list *list = &tk->bridge->addresses;

	if (pool->n_addresses > PREFIXES_MAX)
		diag(tk->r->ld, pool->addresses[PREFIXES_MAX].src, "a pool of more than %d ranges",
		     PREFIXES_MAX);
	for (size_t i = 0; i < pool->n_addresses && i < PREFIXES_MAX; i++)
		tk->ranges[tk->n_ranges++] = pool->addresses[i];
	for (size_t i = 0; !pool->n_addresses && i < list->n && i < PREFIXES_MAX; i++) {
		tk->ranges[tk->n_ranges] = prefix_range(&list->v[i]);
		tk->ranges[tk->n_ranges++].src = list->src[i];
	}
	for (size_t i = 0; i < tk->n_ranges; i++)
		tk->has[tk->ranges[i].first.family == AF_INET6] = true;
}

/* --- what a pool gave before, it gives again --------------------------------------------------- */

static bool in_ranges(const struct taking *tk, const struct ip_addr *a)
{
	for (size_t i = 0; i < tk->n_ranges; i++) {
		const struct ip_range *range = &tk->ranges[i];

		if (range->first.family == a->family && ip_addr_cmp(&range->first, a) <= 0 &&
		    ip_addr_cmp(a, &range->last) <= 0)
			return true;
	}
	return false;
}

/* is @a in the pool, and does nobody else have it? */
static bool is_free(const struct taking *tk, const struct ip_addr *a)
{
	size_t bridge = tk->r->t->hosts[tk->host].gateway->bridge;

	return in_ranges(tk, a) && prefix_around(&tk->bridge->addresses, a) &&
	       index_get(tk->r, SPACE_ON_BRIDGE, tk->host, bridge, a->bytes, ip_addr_size(a)) ==
		       NOT_FOUND;
}

/* all of them, or none: an address of one family alone would leave the other out */
static bool lease_addresses(struct taking *tk, const struct lease *l, struct tenant *t)
{
	for (int f = 0; f < 2; f++)
		if (tk->has[f] != (l->addresses[f].family != AF_UNSPEC) ||
		    (tk->has[f] && !is_free(tk, &l->addresses[f])))
			return false;
	for (int f = 0; f < 2; f++) {
		const struct ip_range one = {
			.first = l->addresses[f], .last = l->addresses[f], .src = t->src};

		if (tk->has[f] && !try_address(tk, &one, t))
			take_address(tk, f, t);
	}
	return true;
}

static void take_leased(struct taking *tk, struct tenant *t)
{
	const struct host *h = &tk->r->t->hosts[tk->host];
	const struct lease *l = leases_find(tk->r->ld->leases, h->name, t->name);
	uint16_t port = l ? l->port : 0;

	if (!l)
		return;
	if (!t->listen_port && port && port >= tk->next_port && port <= tk->last_port &&
	    index_add(tk->r, SPACE_PORT, tk->host, 0, &port, sizeof(port), (size_t)t->src.line,
		      NULL)) {
		t->listen_port = port;
		t->leased_port = true;
	}
	if (!t->napt_addresses.n && tk->bridge && lease_addresses(tk, l, t))
		t->leased_addresses = true;
}

void resolve_pools(struct resolving *r)
{
	for (size_t i = 0; i < r->ld->n_pools; i++) {
		const struct pool *pool = &r->ld->pools[i];
		const struct host *h = &r->t->hosts[pool->host];
		struct gateway *g = h->gateway;
		struct taking tk = {
			.r = r,
			.host = pool->host,
			.bridge = g->bridge == NOT_FOUND ? NULL : &h->bridges[g->bridge],
			.next_port = pool->has_ports ? pool->port_first : DEFAULT_PORT_FIRST,
			.last_port = pool->has_ports ? pool->port_last : DEFAULT_PORT_LAST,
		};

		if (tk.bridge)
			fill_ranges(&tk, pool);
		for (size_t k = 0; r->ld->leases && k < g->n_tenants && !r->ld->stop; k++)
			take_leased(&tk, &g->tenants[k]);
		for (size_t k = 0; k < g->n_tenants && !r->ld->stop; k++) {
			struct tenant *t = &g->tenants[k];

			if (!t->listen_port) {
				take_port(&tk, t);
				t->leased_port = true;
			}
			if (!t->napt_addresses.n && tk.bridge) {
				take_addresses(&tk, t);
				t->leased_addresses = true;
			}
		}
	}
}
