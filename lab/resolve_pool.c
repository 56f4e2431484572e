/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports and addresses out of pools.
 *
 * Theory of operation.  What the files give is taken already; what is left goes to tenants that ask
 * for none.  First each gets again what it had (lab/lease.h).  Then those of the topology file, in
 * its order, take the first that is free.  Tenants with files of their own come and go, so their
 * order says nothing: a hash of its name says where in the pool a tenant looks first, and how many
 * places further it looks next, if somebody has that.  So machines without the leases, such as the
 * clients', give a tenant the same port as the gateway does, whatever files came and went meanwhile,
 * save where two want one place.  What the hash makes of a name must stay as it is: the ports and
 * addresses of labs depend on it.
 */
#include <endian.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/lease.h"
#include "lab/resolve.h"

#define DEFAULT_PORT_FIRST 51820
#define DEFAULT_PORT_LAST  65535
#define SPAN_MAX           ((uint64_t)1 << 32) /* addresses of one range that are made use of */
#define LOOKS_MAX          4000000             /* places looked at in all pools of the files */

/* addresses from first on, all of them on the bridge */
struct span {
	struct ip_addr first;
	uint64_t n;
};

/* how far a pool has been used */
struct taking {
	struct resolving *r;
	const struct pool *pool;
	size_t host;
	const struct bridge *bridge;
	uint32_t next_port, last_port;
	struct ip_range ranges[PREFIXES_MAX];
	struct ip_range rests[PREFIXES_MAX]; /* of the ranges, by those of the topology file */
	size_t n_ranges;
	size_t at[2]; /* range being used, IPv4 and IPv6 */
	bool has[2];
	/* for tenants with files of their own */
	struct span spans[2][PREFIXES_MAX];
	size_t n_spans[2];
	bool has_spans;
	bool no_ports, no_addresses[2]; /* all are taken */
};

static const int families[2] = {AF_INET, AF_INET6};

static void say_no_port(struct taking *tk, struct tenant *t)
{
	diag(tk->r->ld, t->src,
	     "no port is left in the pool for tenant `%s` (enlarge `pools: {listen_port: …}`)",
	     show(t->name).s);
	t->listen_port = DEFAULT_PORT_FIRST; /* never 0, also in a model that is thrown away */
}

static void say_no_address(struct taking *tk, int f, const struct tenant *t)
{
	diag_kind(tk->r->ld, t->src, &families[f],
		  "no IPv%d address is left in the pool for tenant `%s` (enlarge `pools: "
		  "{napt_addresses: …}` or the bridge's prefix)",
		  f ? 6 : 4, show(t->name).s);
}

static bool try_port(struct taking *tk, uint32_t number, struct tenant *t)
{
	uint16_t port = (uint16_t)number;

	if (!index_add(tk->r, SPACE_PORT, tk->host, 0, &port, sizeof(port), src_value(&t->src),
		       NULL))
		return false;
	t->listen_port = port;
	return true;
}

/* @a, which is in @p of the bridge, unless it is reserved or used */
static bool try_address(struct taking *tk, const struct ip_prefix *p, const struct ip_addr *a,
			struct tenant *t)
{
	size_t bridge = tk->r->t->hosts[tk->host].gateway->bridge;

	if (is_reserved_address(p, a) ||
	    !index_add(tk->r, SPACE_ON_BRIDGE, tk->host, bridge, a->bytes, ip_addr_size(a),
		       src_value(&t->src), NULL))
		return false;
	prefix_add(tk->r->ld, &t->napt_addresses, t->src,
		   &(struct ip_prefix){.addr = *a, .len = p->len});
	return true;
}

/* the bridge's prefix that @range begins in; NULL: none, which has been said */
static const struct ip_prefix *range_prefix(struct taking *tk, const struct ip_range *range)
{
	const struct ip_prefix *p = prefix_around(&tk->bridge->addresses, &range->first);
	char buf[INET6_ADDRSTRLEN];

	if (!p)
		diag(tk->r->ld, range->src, "%s is outside bridge `%s`%s",
		     ip_addr_format(&range->first, buf), show(tk->bridge->ifname.full).s,
		     known_prefixes(&tk->bridge->addresses, range->first.family).s);
	return p;
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
	const struct ip_prefix *p = prefix_around(&tk->bridge->addresses, a);

	return in_ranges(tk, a) && p && !is_reserved_address(p, a) &&
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
	for (int f = 0; f < 2; f++)
		if (tk->has[f])
			try_address(tk, prefix_around(&tk->bridge->addresses, &l->addresses[f]),
				    &l->addresses[f], t);
	return true;
}

static void take_leased(struct taking *tk, struct tenant *t)
{
	const struct host *h = &tk->r->t->hosts[tk->host];
	const struct lease *l = leases_find(tk->r->ld->leases, h->name, t->name);
	uint16_t port = l ? l->port : 0;

	if (!l)
		return;
	if (!t->listen_port && port && port >= tk->next_port && port <= tk->last_port)
		t->leased_port = try_port(tk, port, t);
	if (!t->napt_addresses.n && tk->bridge)
		t->leased_addresses = lease_addresses(tk, l, t);
}

/* --- one after the other --------------------------------------------------------------------- */

static void take_port(struct taking *tk, struct tenant *t)
{
	while (tk->next_port <= tk->last_port)
		if (try_port(tk, tk->next_port++, t))
			return;
	say_no_port(tk, t);
}

/* @range shrinks from its beginning; false: it is used up */
static bool take_from(struct taking *tk, struct ip_range *range, struct tenant *t)
{
	bool got = false;

	while (!got && ip_addr_cmp(&range->first, &range->last) <= 0 && !tk->r->ld->stop) {
		bool last = ip_addr_cmp(&range->first, &range->last) == 0;
		const struct ip_prefix *p = range_prefix(tk, range);

		if (p)
			got = try_address(tk, p, &range->first, t);
		else
			last = true; /* said once, not for each of 2^64 */
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
		struct ip_range *range = &tk->rests[tk->at[f]];

		if (range->first.family == families[f] && take_from(tk, range, t))
			return;
	}
	say_no_address(tk, f, t);
}

/* --- by the tenant's name -------------------------------------------------------------------- */

/* all places of a pool, each once, in an order of the name's own */
struct walk {
	uint64_t size, at, step;
	uint64_t left; /* places that have not been looked at */
};

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* @what: the kind of pool; @size: at most 2^38 */
static struct walk walk_start(const char *name, const char *what, uint64_t size)
{
	uint64_t hash[crypto_generichash_BYTES_MIN / sizeof(uint64_t)];
	struct walk w = {.size = size, .left = size, .step = 1};
	char text[NETNS_NAME_MAX + 16];
	int len = snprintf(text, sizeof(text), "%s %.*s", what, NETNS_NAME_MAX, name);

	crypto_generichash((unsigned char *)hash, sizeof(hash), (const unsigned char *)text,
			   (size_t)len, NULL, 0);
	if (!size)
		return w;
	w.at = le64toh(hash[0]) % size;
	w.step += le64toh(hash[1]) % size;
	while (common_divisor(w.step, size) != 1)
		w.step++;
	return w;
}

/* the next place, to *@ret; false: that was all */
static bool walk_next(struct taking *tk, struct walk *w, uint64_t *ret)
{
	struct load *ld = tk->r->ld;

	if (++ld->looks > LOOKS_MAX)
		too_big(ld, tk->r->t->hosts[tk->host].src);
	if (!w->left || ld->stop)
		return false;
	*ret = w->at;
	w->at = (w->at + w->step) % w->size;
	w->left--;
	return true;
}

static void find_port(struct taking *tk, struct tenant *t)
{
	uint32_t first = tk->pool->has_ports ? tk->pool->port_first : DEFAULT_PORT_FIRST;
	struct walk w = walk_start(t->name, "port", tk->last_port - first + 1);
	uint64_t place;

	while (!tk->no_ports && walk_next(tk, &w, &place))
		if (try_port(tk, first + (uint32_t)place, t))
			return;
	tk->no_ports = true;
	say_no_port(tk, t);
}

/* how many addresses from @a to @b, both of one family, or @max if there are more */
static uint64_t count_addresses(const struct ip_addr *a, const struct ip_addr *b, uint64_t max)
{
	uint64_t n = 0;

	/* the beginning of @b is never less than that of @a, so this is never less than zero */
	for (size_t i = 0; i < ip_addr_size(a) && n < max; i++)
		n = (n << 8) + b->bytes[i] - a->bytes[i];
	return n < max ? n + 1 : max;
}

/* what is on the bridge of a pool's range */
static void add_span(struct taking *tk, const struct ip_range *range)
{
	int f = range->first.family == AF_INET6;
	const struct ip_prefix *p = range_prefix(tk, range);
	struct ip_addr last;

	if (!p)
		return;
	last = prefix_range(p).last;
	if (ip_addr_cmp(&last, &range->last) > 0)
		last = range->last;
	tk->spans[f][tk->n_spans[f]++] = (struct span){
		.first = range->first, .n = count_addresses(&range->first, &last, SPAN_MAX)};
}

static void add_spans(struct taking *tk)
{
	for (size_t i = 0; i < tk->n_ranges && !tk->has_spans; i++)
		add_span(tk, &tk->ranges[i]);
	tk->has_spans = true;
}

static void find_address(struct taking *tk, int f, struct tenant *t)
{
	uint64_t size = 0, place;
	struct walk w;

	add_spans(tk);
	for (size_t i = 0; i < tk->n_spans[f]; i++)
		size += tk->spans[f][i].n;
	w = walk_start(t->name, f ? "IPv6" : "IPv4", size);
	while (!tk->no_addresses[f] && walk_next(tk, &w, &place)) {
		const struct span *s = tk->spans[f];
		struct ip_addr a;

		for (; place >= s->n; s++)
			place -= s->n;
		if (ip_addr_add(&s->first, place, &a) == 0 &&
		    try_address(tk, prefix_around(&tk->bridge->addresses, &a), &a, t))
			return;
	}
	tk->no_addresses[f] = true;
	say_no_address(tk, f, t);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* what the file says, or else the bridge's own prefixes */
static void fill_ranges(struct taking *tk)
{
	const struct prefix_list *list = &tk->bridge->addresses;
	const struct pool *pool = tk->pool;

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
	memcpy(tk->rests, tk->ranges, sizeof(tk->rests));
}

static void take_addresses(struct taking *tk, struct tenant *t,
			   void (*take)(struct taking *, int, struct tenant *))
{
	if (!tk->has[0] && !tk->has[1])
		diag(tk->r->ld, t->src,
		     "tenant `%s` has no `napt_addresses`, and bridge `%s` has no address to take "
		     "one beside (give one of the two)",
		     show(t->name).s, show(tk->bridge->ifname.full).s);
	for (int f = 0; f < 2; f++)
		if (tk->has[f])
			take(tk, f, t);
}

static void use_pool(struct taking *tk, const struct gateway *g)
{
	for (size_t i = 0; tk->r->ld->leases && i < g->n_tenants && !tk->r->ld->stop; i++)
		take_leased(tk, &g->tenants[i]);
	for (size_t i = 0; i < g->n_tenants && !tk->r->ld->stop; i++) {
		bool filed = i >= tk->pool->n_inline;
		struct tenant *t = &g->tenants[i];

		if (!t->listen_port) {
			filed ? find_port(tk, t) : take_port(tk, t);
			t->leased_port = true;
		}
		if (!t->napt_addresses.n && tk->bridge) {
			take_addresses(tk, t, filed ? find_address : take_address);
			t->leased_addresses = true;
		}
	}
}

void resolve_pools(struct resolving *r)
{
	for (size_t i = 0; i < r->ld->n_pools; i++) {
		const struct pool *pool = &r->ld->pools[i];
		const struct host *h = &r->t->hosts[pool->host];
		const struct gateway *g = h->gateway;
		struct taking tk = {
			.r = r,
			.pool = pool,
			.host = pool->host,
			.bridge = g->bridge == NOT_FOUND ? NULL : &h->bridges[g->bridge],
			.next_port = pool->has_ports ? pool->port_first : DEFAULT_PORT_FIRST,
			.last_port = pool->has_ports ? pool->port_last : DEFAULT_PORT_LAST,
		};

		if (tk.bridge)
			fill_ranges(&tk);
		use_pool(&tk, g);
	}
}
